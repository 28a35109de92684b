package chunk

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func noise(seed byte, bytes int) []byte {
	data := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func pieces(t *testing.T, c *Cutter, data []byte) (sums [][32]byte, sizes []int) {
	t.Helper()
	var whole []byte
	err := c.Cut(bytes.NewReader(data), func(piece []byte) error {
		sums, sizes, whole = append(sums, sha256.Sum256(piece)), append(sizes, len(piece)), append(whole, piece...)
		return nil
	})
	if err != nil || !bytes.Equal(whole, data) {
		t.Fatalf("the pieces are not the stream: %v", err)
	}
	return sums, sizes
}

func TestCut_KeepsToItsSizes(t *testing.T) {
	c := New([32]byte{1})
	for _, data := range [][]byte{nil, noise(1, 1), noise(2, Least), noise(3, 30<<20), make([]byte, 10<<20)} {
		_, sizes := pieces(t, c, data)
		for at, size := range sizes {
			if size > Most || size < Least && at != len(sizes)-1 {
				t.Errorf("piece %d of %d has %d bytes", at, len(sizes), size)
			}
		}
		if len(data) == 30<<20 && (len(sizes) < 15 || len(sizes) > 45) {
			t.Errorf("30 MB are %d pieces", len(sizes))
		}
	}
}

func TestCut_ChangesOnlyThePiecesAroundAChange(t *testing.T) {
	c, data := New([32]byte{1}), noise(4, 40<<20)
	before, _ := pieces(t, c, data)
	changed := append(bytes.Clone(data[:20<<20]), append([]byte("inserted"), data[20<<20:]...)...)
	after, sizes := pieces(t, c, changed)
	known := map[[32]byte]bool{}
	for _, sum := range before {
		known[sum] = true
	}
	moved := 0
	for at, sum := range after {
		if !known[sum] {
			moved += sizes[at]
		}
	}
	if moved == 0 || moved > 2*Most {
		t.Errorf("8 inserted bytes change pieces of %d bytes", moved)
	}
}

func TestCut_WithAnotherSeedCutsElsewhere(t *testing.T) {
	data := noise(5, 20<<20)
	one, _ := pieces(t, New([32]byte{1}), data)
	other, _ := pieces(t, New([32]byte{2}), data)
	if one[0] == other[0] {
		t.Error("the seed does not say where")
	}
}

func TestCut_EndsWithTheErrorOfItsStream(t *testing.T) {
	err := New([32]byte{1}).Cut(iotest.ErrReader(iotest.ErrTimeout), func([]byte) error { return nil })
	if err == nil {
		t.Error("a broken stream looks whole")
	}
}
