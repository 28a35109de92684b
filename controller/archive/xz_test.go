package archive

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func xzFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "xz", name+".tar.xz"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestXZ_ReadsWhatItsOwnProgramWrites(t *testing.T) {
	for _, name := range []string{"none", "crc32", "crc64", "sha256", "blocks", "nine"} {
		tree := opened(t, xzFile(t, name))
		text, err := tree.ReadFile(t.Context(), "data.txt", 1<<20)
		if err != nil || string(text) != strings.Repeat("hello ", 400) {
			t.Errorf("%s: got %d bytes, %v", name, len(text), err)
		}
	}
}

func TestXZ_RefusesWhatTakesTooMuchMemory(t *testing.T) {
	refusedAtOpen(t, xzFile(t, "huge-window"), DefaultLimits(), "", "takes more memory")
	refusedAtOpen(t, xzFile(t, "other-filter"), DefaultLimits(), "", "damaged or cut off")
}

// withDictionaries makes the beginning of an xz file of many small blocks, each of which
// asks for a dictionary of 64 MB.
func withDictionaries(count int) []byte {
	data := []byte(xzHeaderMagic + "\x00\x00")
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(data[6:8]))
	for range count {
		header := []byte{2, 0, xzFilterLZMA2, 1, 28, 0, 0, 0}
		header = binary.LittleEndian.AppendUint32(header, crc32.ChecksumIEEE(header))
		data = append(data, header...)
		data = append(data, 1, 0, 0, 'x', 0, 0, 0, 0) // one stored byte, and padding
	}
	return data
}

func TestXZ_RefusesABombOfDictionaries(t *testing.T) {
	before := allocated()
	reader, err := newXZReader(bytes.NewReader(withDictionaries(1000)))
	if err == nil {
		_, err = io.Copy(io.Discard, reader)
	}
	if err == nil {
		t.Error("it was read")
	}
	if used := allocated() - before; used > 80<<20 {
		t.Errorf("to refuse it took %d bytes of memory", used)
	}
}

func TestXZ_RefusesEveryCutAndChange(t *testing.T) {
	data := xzFile(t, "blocks")
	whole := expandedXZ(data)
	for at := range data {
		if text := expandedXZ(data[:at]); text != nil {
			t.Errorf("cut at %d: %d bytes were read", at, len(text))
		}
		changed := slices.Clone(data)
		changed[at] ^= 0x40
		if text := expandedXZ(changed); text != nil && !bytes.Equal(text, whole) {
			t.Errorf("changed at %d: other content was read", at)
		}
	}
	if expandedXZ(append(slices.Clone(data), 0)) != nil {
		t.Error("something behind the end was read over")
	}
}

// expandedXZ returns the content; nil if it cannot be read.
func expandedXZ(data []byte) []byte {
	reader, err := newXZReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(reader, 1<<20))
	if err != nil {
		return nil
	}
	return text
}

func FuzzXZ(f *testing.F) {
	for _, name := range []string{"none", "crc32", "crc64", "sha256", "blocks", "nine", "huge-window", "other-filter"} {
		f.Add(xzFile(f, name))
	}
	f.Add(withDictionaries(3))
	f.Fuzz(func(_ *testing.T, data []byte) { expandedXZ(data) })
}

func TestZstd_RefusesWhatTakesTooMuchMemory(t *testing.T) {
	data := compressed(t, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithWindowSize(128<<20), zstd.WithSingleSegment(false), zstd.WithEncoderConcurrency(1))
	}, item{name: "x", text: noise(3 << 20)})
	refusedAtOpen(t, data, DefaultLimits(), "", "takes more memory")
}
