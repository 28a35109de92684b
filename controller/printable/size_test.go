package printable

import "testing"

func TestSize_WordsAnExactUnitOrWholeMegabytes(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 bytes", 4000: "4000 bytes", 64 << 10: "64 KB", 1<<20 - 1: "1048575 bytes", 1 << 20: "1 MB", 3<<20 + 1: "3 MB", 1536 << 20: "1536 MB", 8 << 30: "8 GB", 8<<30 + 1: "8192 MB",
	} {
		if got := Size(bytes); got != want {
			t.Errorf("Size(%d) = %q, want %q", bytes, got, want)
		}
	}
}
