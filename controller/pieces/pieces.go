// Package pieces sends an archive as what it has that another one has not.
package pieces

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"berth/controller/backup/chunk"
)

// MediaType is that of what Write writes, in the place of the archive itself.
const MediaType = "application/vnd.berth.pieces"

// sizes are of the pieces that an archive is cut into: small ones, as a file that changed
// moves all of each piece that it touches.
var sizes = chunk.Sizes{Least: 16 << 10, Usual: 64 << 10, Most: 256 << 10}

// Most is how many pieces can be asked for at once: those of an archive of some GB.
const Most = 32 << 10

// Sum is the SHA-256 of a piece; as text in hexadecimal.
type Sum [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(s[:min(len(s), len(text)/2)], text[:min(2*len(s), len(text))]); err != nil || n != len(s) || len(text) != 2*len(s) {
		return fmt.Errorf("%.70q is not the SHA-256 of a piece: 64 hexadecimal digits", text)
	}
	return nil
}

// cut calls take with each piece of the archive, in order, and where it begins. The piece
// is good until take returns.
func cut(archive io.Reader, take func(at int64, sum Sum, piece []byte) error) error {
	at := int64(0)
	return chunk.NewOf(sizes, [32]byte{}).Cut(archive, func(piece []byte) error {
		err := take(at, sha256.Sum256(piece), piece)
		at += int64(len(piece))
		return err
	})
}

// List returns the sums of the pieces of an archive, in order.
func List(archive io.Reader) ([]Sum, error) {
	var all []Sum
	err := cut(archive, func(_ int64, sum Sum, _ []byte) error { all = append(all, sum); return nil })
	return all, err
}

// Base is an archive that the other side has too.
type Base struct {
	archive io.ReaderAt
	index   map[Sum]span
}

type span struct {
	at    int64
	bytes int
}

// NewBase reads the archive once. It must stay as it is while the Base is used.
func NewBase(archive io.ReaderAt, bytes int64) (*Base, error) {
	b := &Base{archive: archive, index: make(map[Sum]span)}
	err := cut(io.NewSectionReader(archive, 0, bytes), func(at int64, sum Sum, piece []byte) error {
		b.index[sum] = span{at, len(piece)}
		return nil
	})
	return b, err
}

// Missing returns those of the sums that the base has no piece of, each once.
func (b *Base) Missing(sums []Sum) []Sum {
	missing, seen := []Sum{}, make(map[Sum]bool)
	for _, sum := range sums {
		if _, has := b.index[sum]; !has && !seen[sum] {
			missing = append(missing, sum)
		}
		seen[sum] = true
	}
	return missing
}

// What is written: magic, then a record for each piece, then the end with the sum of all.
const (
	magic      = "berth pieces 1\n"
	recordHave = 'h' // sum of a piece of the base
	recordNew  = 'n' // length in four bytes, the greatest first, and the piece
	recordEnd  = 'e' // SHA-256 of the archive
)

// Errors of Expand.
var (
	// ErrUnknown says that the base does not have a piece that it should.
	ErrUnknown = errors.New("the archive that the upload builds on is another one")
	// ErrMalformed says that the stream is not what Write writes.
	ErrMalformed = errors.New("the pieces are not what berth deploy sends")
)
