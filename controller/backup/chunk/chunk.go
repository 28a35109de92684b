// Package chunk cuts a stream into pieces where its content says so: a change moves only the cuts around it.
package chunk

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// The sizes of a piece in bytes. Only the last piece of a stream is smaller than Least;
// pieces are about Usual bytes on average.
const (
	Least = 256 << 10
	Usual = 1 << 20
	Most  = 4 << 20
)

// cutMask is met by one hash in 2^20.
const cutMask uint64 = (1<<20 - 1) << 44

// Cutter cuts streams. Two cutters of one seed cut a stream at the same places. Without
// the seed the sizes of pieces tell nobody what is in them.
type Cutter struct{ gear [256]uint64 }

// New returns the Cutter of a seed.
func New(seed [32]byte) *Cutter {
	cutter, random := &Cutter{}, rand.NewChaCha8(seed)
	for at := range cutter.gear {
		cutter.gear[at] = random.Uint64()
	}
	return cutter
}

// Cut calls take with each piece of the stream, in order. The piece is good until take
// returns.
func (c *Cutter) Cut(from io.Reader, take func(piece []byte) error) error {
	buffer := make([]byte, Most)
	held, ended := 0, false
	for {
		for !ended && held < Most {
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
	if len(data) <= Least {
		return len(data)
	}
	var hash uint64
	for at, one := range data[Least:] {
		if hash = hash<<1 + c.gear[one]; hash&cutMask == 0 {
			return Least + at + 1
		}
	}
	return len(data)
}
