package expand

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
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
	for _, name := range []string{"none", "crc32", "crc64", "sha256", "blocks", "eight"} {
		tarred := expandedXZ(xzFile(t, name))
		if len(tarred) != 10240 || !bytes.Contains(tarred, []byte(strings.Repeat("hello ", 400))) {
			t.Errorf("%s: got %d bytes", name, len(tarred))
		}
	}
}

func TestXZ_RefusesWhatTakesTooMuchMemory(t *testing.T) {
	for name, window := range map[string]bool{"large-window": true, "other-filter": false} {
		reader, err := newXZReader(bytes.NewReader(xzFile(t, name)))
		if err == nil {
			_, err = io.Copy(io.Discard, reader)
		}
		if err == nil || IsWindow(err) != window {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// withDictionaries makes the beginning of an xz file of many small blocks, each of which
// asks for a dictionary of 32 MB.
func withDictionaries(count int) []byte {
	data := []byte(xzHeaderMagic + "\x00\x00")
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(data[6:8]))
	for range count {
		header := []byte{2, 0, xzFilterLZMA2, 1, 26, 0, 0, 0}
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
	if used := allocated() - before; used > 48<<20 {
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
	for _, name := range []string{"none", "crc32", "crc64", "sha256", "blocks", "eight", "large-window", "other-filter"} {
		f.Add(xzFile(f, name))
	}
	f.Add(withDictionaries(3))
	f.Fuzz(func(_ *testing.T, data []byte) { expandedXZ(data) })
}

func TestZstd_RefusesWhatTakesTooMuchMemory(t *testing.T) {
	noise := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	for window, accepted := range map[int]bool{WindowZstd: true, 2 * WindowZstd: false} {
		var data bytes.Buffer
		w, err := zstd.NewWriter(&data, zstd.WithWindowSize(window), zstd.WithSingleSegment(false), zstd.WithEncoderConcurrency(1))
		if err == nil {
			_, err = w.Write(noise)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		format, _ := Detect(data.Bytes())
		reader, err := format.Expand(&data)
		if err == nil {
			_, err = io.Copy(io.Discard, reader)
		}
		if accepted != (err == nil) || !accepted && !IsWindow(err) {
			t.Errorf("a window of %d: got %v", window, err)
		}
	}
}

func TestDetect_TellsATarFromWhatIsNone(t *testing.T) {
	plain := make([]byte, 512)
	copy(plain[257:], "ustar")
	for text, want := range map[string]bool{string(plain): true, "": false, strings.Repeat("x", 512): false, "\x1f\x8b": true, xzHeaderMagic: true} {
		if _, found := Detect([]byte(text)); found != want {
			t.Errorf("%.20q: got %t", text, found)
		}
	}
}

// allocated returns how many bytes were ever allocated.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
