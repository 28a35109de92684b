// Package chunk cuts a stream into pieces where its content says so: a change moves only the cuts around it.
package chunk

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
)

// Sizes are those of pieces in bytes. Only the last piece of a stream is smaller than
// Least; pieces are about Usual bytes on average. Usual is a power of two.
type Sizes struct{ Least, Usual, Most int }

// The sizes that New takes.
const (
	Least = 256 << 10
	Usual = 1 << 20
	Most  = 4 << 20
)

// Cutter cuts streams. Two cutters of one seed and of the same sizes cut a stream at the
// same places. Without the seed the sizes of pieces tell nobody what is in them.
type Cutter struct {
	gear  [256]uint64
	sizes Sizes
	mask  uint64 // is met by one hash in Usual
}

// New returns the Cutter of a seed.
func New(seed [32]byte) *Cutter { return NewOf(Sizes{Least, Usual, Most}, seed) }

// NewOf is New with other sizes.
func NewOf(sizes Sizes, seed [32]byte) *Cutter {
	first := bits.Len(uint(sizes.Usual)) - 1
	cutter, random := &Cutter{sizes: sizes, mask: (1<<first - 1) << (hashBits - first)}, rand.NewChaCha8(seed)
	for at := range cutter.gear {
		cutter.gear[at] = random.Uint64()
	}
	return cutter
}

const hashBits = 64

// Cut calls take with each piece of the stream, in order. The piece is good until take
// returns.
func (c *Cutter) Cut(from io.Reader, take func(piece []byte) error) error {
	buffer := make([]byte, c.sizes.Most)
	held, ended := 0, false
	for {
		for !ended && held < c.sizes.Most {
			n, err := from.Read(buffer[held:])
			held += n
			if errors.Is(err, io.EOF) {
				ended = true
			} else if err != nil {
				return fmt.Errorf("read stream: %w", err)
			}
		}
		if held == 0 {
			return nil
		}
		size := c.find(buffer[:held])
		if err := take(buffer[:size]); err != nil {
			return err
		}
		held = copy(buffer, buffer[size:held])
	}
}

// find returns where the first piece of data ends.
func (c *Cutter) find(data []byte) int {
	if len(data) <= c.sizes.Least {
		return len(data)
	}
	var hash uint64
	for at, one := range data[c.sizes.Least:] {
		if hash = hash<<1 + c.gear[one]; hash&c.mask == 0 {
			return c.sizes.Least + at + 1
		}
	}
	return len(data)
}
