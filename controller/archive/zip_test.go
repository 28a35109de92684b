package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"io/fs"
	"strings"
	"testing"
)

// refusedAtStream checks that Open takes data and that WriteTar refuses it.
func refusedAtStream(t *testing.T, data []byte, entry, reason string) {
	t.Helper()
	tree := opened(t, data)
	mustRefuse(t, tree.WriteTar(context.Background(), io.Discard, nil), entry, reason)
	_, err := tree.ReadFile(t.Context(), entry, 1<<20)
	mustRefuse(t, err, entry, reason)
}

func TestZIP_RefusesEncryptedEntry(t *testing.T) {
	for _, flag := range []uint16{1 << 0, 1 << 6, 1 << 13} {
		data := declaredZIP(t, zip.FileHeader{Flags: flag, UncompressedSize64: 4}, "text")
		refusedAtOpen(t, data, DefaultLimits(), "file", "is encrypted")
	}
}

func TestZIP_RefusesUnknownCompression(t *testing.T) {
	data := declaredZIP(t, zip.FileHeader{Method: 14, UncompressedSize64: 4}, "text")
	refusedAtOpen(t, data, DefaultLimits(), "file", "method 14")
}

func TestZIP_CutsOffEntryLargerThanDeclared(t *testing.T) {
	refusedAtStream(t, declaredZIP(t, zip.FileHeader{UncompressedSize64: 3}, "text"), "file", "holds more")
}

func TestZIP_RefusesEntrySmallerThanDeclared(t *testing.T) {
	refusedAtStream(t, declaredZIP(t, zip.FileHeader{UncompressedSize64: 5}, "text"), "file", "holds less")
}

func TestZIP_CutsOffBombThatDeclaresLittle(t *testing.T) {
	bomb := zipOf(t, item{name: "file", text: strings.Repeat("\x00", 4<<20)})
	at := bytes.LastIndex(bomb, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(bomb[at+24:], 1000)
	tree := opened(t, bomb)
	var written counter
	mustRefuse(t, tree.WriteTar(context.Background(), &written, nil), "file", "holds more")
	if written > tarBuffer {
		t.Errorf("%d bytes went out before the cut", written)
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func TestZIP_RefusesWrongChecksum(t *testing.T) {
	data := zipOf(t, item{name: "file", text: "text"})
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	data[at+16] ^= 1
	refusedAtStream(t, data, "file", "damaged")
}

func TestZIP_RefusesBrokenDeflate(t *testing.T) {
	refusedAtStream(t, declaredZIP(t, zip.FileHeader{Method: zip.Deflate, UncompressedSize64: 4}, "\xff\xff\xff\xff"), "file", "damaged")
}

func TestZIP_RefusesOverlappingEntries(t *testing.T) {
	data := zipOf(t, item{name: "kernel", text: strings.Repeat("bomb", 1000)}, item{name: "second", text: "x"})
	first := bytes.Index(data, []byte("PK\x01\x02"))
	second := bytes.LastIndex(data, []byte("PK\x01\x02"))
	copy(data[second+42:second+46], data[first+42:first+46])
	copy(data[second+46:], "kernel")
	refusedAtOpen(t, data, DefaultLimits(), "kernel", "overlaps")
}

func TestZIP_RefusesEntryQuotedByAnother(t *testing.T) {
	// The first entry's content runs over the second's header, so both are read from the same bytes.
	data := zipOf(t, item{name: "first", text: "x"}, item{name: "second", text: "yyyy"})
	first := bytes.Index(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[first+20:], 60)
	refusedAtOpen(t, data, DefaultLimits(), "second", "overlaps")
}

func TestZIP_RefusesHeadersThatDiffer(t *testing.T) {
	data := zipOf(t, item{name: "shown", text: "x"})
	copy(data[lengthLocal:], "other")
	refusedAtOpen(t, data, DefaultLimits(), "shown", "differ")
	data = zipOf(t, item{name: "shown", text: "x"})
	data[8] = 0
	refusedAtOpen(t, data, DefaultLimits(), "shown", "differ")
	data = zipOf(t, item{name: "shown", text: "x"})
	data[6] |= 1
	refusedAtOpen(t, data, DefaultLimits(), "shown", "is encrypted")
}

func TestZIP_RefusesCountThatIsNotTheDirectorys(t *testing.T) {
	data := zipOf(t, item{name: "a"}, item{name: "b"})
	for _, count := range []uint16{0, 1, 3} {
		binary.LittleEndian.PutUint16(data[len(data)-lengthEnd+10:], count)
		refusedAtOpen(t, data, DefaultLimits(), "", "damaged, cut off")
	}
}

func TestZIP_RefusesDirectoryOfMoreEntriesThanAllowed(t *testing.T) {
	data := rawZIP(t, func(w *zip.Writer) {
		for i := range 50_001 {
			if _, err := w.CreateRaw(&zip.FileHeader{Name: strings.Repeat("a", 1+i%3) + string(rune('b'+i))}); err != nil {
				t.Fatal(err)
			}
		}
	})
	refusedAtOpen(t, data, DefaultLimits(), "", "more than 50000 entries")
}

func TestZIP_RefusesSizesBeyondTheFile(t *testing.T) {
	for name, at := range map[string]int{"compressed size": 20, "offset": 42} {
		t.Run(name, func(t *testing.T) {
			data := zipOf(t, item{name: "a", text: "x"})
			record := bytes.LastIndex(data, []byte("PK\x01\x02"))
			binary.LittleEndian.PutUint32(data[record+at:], 1<<31)
			refusedAtOpen(t, data, DefaultLimits(), "", "damaged, cut off")
		})
	}
}

func TestZIP_RefusesDeclaredBomb(t *testing.T) {
	// 3 entries of 4 GB - 1 claim more than any int32 or the limit could hold.
	data := rawZIP(t, func(w *zip.Writer) {
		for _, name := range []string{"a", "b", "c"} {
			if _, err := w.CreateRaw(&zip.FileHeader{Name: name, UncompressedSize64: 1<<63 - 1}); err != nil {
				t.Fatal(err)
			}
		}
	})
	refusedAtOpen(t, data, DefaultLimits(), "", "more than 2 GB")
}

func TestZIP_Reads64BitRecords(t *testing.T) {
	data := rawZIP(t, func(w *zip.Writer) {
		for i := range 3 {
			entry, err := w.Create(string(rune('a' + i)))
			if err == nil {
				_, err = io.WriteString(entry, "text")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	end := len(data) - lengthEnd
	directory := int64(binary.LittleEndian.Uint32(data[end+16:]))
	var wide bytes.Buffer
	wide.Write(data[:end])
	record := make([]byte, lengthEnd64)
	binary.LittleEndian.PutUint32(record, signatureEnd64)
	binary.LittleEndian.PutUint64(record[4:], lengthEnd64-12)
	binary.LittleEndian.PutUint64(record[32:], 3)
	binary.LittleEndian.PutUint64(record[40:], uint64(int64(end)-directory))
	binary.LittleEndian.PutUint64(record[48:], uint64(directory))
	wide.Write(record)
	locator := make([]byte, lengthLocator64)
	binary.LittleEndian.PutUint32(locator, signatureLocator64)
	binary.LittleEndian.PutUint64(locator[8:], uint64(end))
	wide.Write(locator)
	last := bytes.Clone(data[end:])
	binary.LittleEndian.PutUint16(last[10:], 1<<16-1)
	wide.Write(last)
	tree := opened(t, wide.Bytes())
	if text, err := tree.ReadFile(t.Context(), "c", 10); err != nil || string(text) != "text" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestZIP_AcceptsComment(t *testing.T) {
	data := rawZIP(t, func(w *zip.Writer) {
		if _, err := w.Create("a"); err != nil {
			t.Fatal(err)
		}
		if err := w.SetComment("made by hand PK\x05\x06"); err != nil {
			t.Fatal(err)
		}
	})
	opened(t, data)
}

func TestZIP_WithoutModesIsExecutableAsFromWindows(t *testing.T) {
	tree := opened(t, declaredZIP(t, zip.FileHeader{Name: "entrypoint.sh", UncompressedSize64: 4}, "text"))
	if entry, _ := tree.Entry("entrypoint.sh"); entry.Mode != 0o755 {
		t.Errorf("got %v", entry.Mode)
	}
}

func TestZIP_RefusesLinkThatIsAFolderToo(t *testing.T) {
	header := &zip.FileHeader{Name: "a/"}
	header.SetMode(fs.ModeSymlink | 0o777)
	data := rawZIP(t, func(w *zip.Writer) {
		if _, err := w.CreateRaw(header); err != nil {
			t.Fatal(err)
		}
	})
	refusedAtOpen(t, data, DefaultLimits(), "a/", "at once")
}

func TestZIP_RefusesFolderWithContent(t *testing.T) {
	data := zipOf(t, item{name: "a/"}, item{name: "b"})
	binary.LittleEndian.PutUint32(data[bytes.Index(data, []byte("PK\x01\x02"))+24:], 4)
	refusedAtOpen(t, data, DefaultLimits(), "a/", "claims to have content")
}
