package volume

import (
	"fmt"
	"io"

	"berth/controller/printable"
)

const (
	// spareBytes are left free on the disk: uploads must not fill the host's.
	spareBytes = 512 << 20
	// spareEvery is how often the disk is asked while content comes in.
	spareEvery = 16 << 20
)

// guarded is content on its way to the disk, bounded by the limit and by the
// room that is left.
type guarded struct {
	keeper *keeper
	from   io.Reader
	path   Path
	limit  int64 // 0 allows nothing
	taken  int64
	asked  int64 // taken, when the disk was last asked
}

// Read implements io.Reader.
func (g *guarded) Read(buffer []byte) (int, error) {
	if g.taken == 0 || g.taken-g.asked >= spareEvery {
		g.asked = g.taken
		if g.keeper.freeBytes() < spareBytes {
			return 0, refuse(Full, g.path, fmt.Sprintf("The disk has less than %s left.", printable.Size(spareBytes)), "Delete what is not needed any more.")
		}
	}
	n, err := g.from.Read(buffer)
	if g.taken += int64(n); g.taken > g.limit {
		return 0, refuse(TooLarge, g.path, fmt.Sprintf("It is larger than %s.", printable.Size(g.limit)), "Upload less at once.")
	}
	return n, err
}
