package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"berth/controller/printable"
)

// item is an entry of an archive that a test makes, for either format.
type item struct {
	name string
	text string      // content, or the target of a link
	mode fs.FileMode // with the type bits; 0644 where zero
	kind byte        // tar type flag, where it is not told by mode
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func (i item) fileMode() fs.FileMode {
	if i.mode == 0 {
		return 0o644
	}
	return i.mode
}

func zipOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	return rawZIP(tb, func(w *zip.Writer) {
		for _, i := range items {
			header := &zip.FileHeader{Name: i.name, Method: zip.Deflate, Modified: noon}
			header.SetMode(i.fileMode())
			entry, err := w.CreateHeader(header)
			if err == nil && !strings.HasSuffix(i.name, "/") {
				_, err = io.WriteString(entry, i.text)
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	})
}

func rawZIP(tb testing.TB, write func(*zip.Writer)) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	write(w)
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// declaredZIP holds one stored entry whose header the test may falsify.
func declaredZIP(tb testing.TB, header zip.FileHeader, text string) []byte {
	tb.Helper()
	return rawZIP(tb, func(w *zip.Writer) {
		if header.Name == "" {
			header.Name = "file"
		}
		header.CompressedSize64 = uint64(len(text))
		header.CRC32 = crc32.ChecksumIEEE([]byte(text))
		entry, err := w.CreateRaw(&header)
		if err == nil {
			_, err = io.WriteString(entry, text)
		}
		if err != nil {
			tb.Fatal(err)
		}
	})
}

func tarGZOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	return compressed(tb, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) }, items...)
}

func tarZstdOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	return compressed(tb, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) }, items...)
}

func tarXZOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	return compressed(tb, func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 20}.NewWriter(w)
	}, items...)
}

func plainTarOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	return compressed(tb, func(w io.Writer) (io.WriteCloser, error) { return uncompressed{w}, nil }, items...)
}

type uncompressed struct{ io.Writer }

func (uncompressed) Close() error { return nil }

// compressed makes a tar of the items, compressed.
func compressed(tb testing.TB, compress func(io.Writer) (io.WriteCloser, error), items ...item) []byte {
	tb.Helper()
	var b bytes.Buffer
	packed, err := compress(&b)
	if err != nil {
		tb.Fatal(err)
	}
	w := tar.NewWriter(packed)
	for _, i := range items {
		header := &tar.Header{Name: i.name, Mode: int64(i.fileMode().Perm()), ModTime: noon, Typeflag: i.kind, Uid: 1000, Gid: 1000, Uname: "me"}
		switch {
		case i.kind != 0:
			header.Linkname = i.text
		case strings.HasSuffix(i.name, "/"):
			header.Typeflag = tar.TypeDir
		case i.mode&fs.ModeSymlink != 0:
			header.Typeflag, header.Linkname = tar.TypeSymlink, i.text
		default:
			header.Typeflag, header.Size = tar.TypeReg, int64(len(i.text))
		}
		err := w.WriteHeader(header)
		if err == nil && header.Size > 0 {
			_, err = io.WriteString(w, i.text)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// formats are what each attack is made as.
var formats = map[string]func(testing.TB, ...item) []byte{
	"zip": zipOf, "tar.gz": tarGZOf, "tar.zst": tarZstdOf, "tar.xz": tarXZOf, "tar": plainTarOf,
}

func saved(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "upload")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func opened(tb testing.TB, data []byte) *Tree {
	tb.Helper()
	tree, err := Open(saved(tb, data), DefaultLimits())
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// mustRefuse checks that err is a Refusal with all of its sentences, about the
// entry and for the reason.
func mustRefuse(tb testing.TB, err error, entry, reason string) {
	tb.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		tb.Fatalf("got %v, want a Refusal", err)
	}
	if refusal.File != entry {
		tb.Errorf("the refusal is about %q, want %q", refusal.File, entry)
	}
	if !strings.Contains(refusal.Reason, reason) {
		tb.Errorf("the reason is %q, want %q in it", refusal.Reason, reason)
	}
	if !strings.HasSuffix(refusal.Reason, ".") || !strings.HasSuffix(refusal.Hint, ".") {
		tb.Errorf("not whole sentences: %q, %q", refusal.Reason, refusal.Hint)
	}
}

// refusedAtOpen checks that Open itself refuses data.
func refusedAtOpen(tb testing.TB, data []byte, limits Limits, entry, reason string) {
	tb.Helper()
	tree, err := Open(saved(tb, data), limits)
	if err == nil {
		_ = tree.Close()
	}
	mustRefuse(tb, err, entry, reason)
}

func paths(tree *Tree) []string {
	var list []string
	for _, entry := range tree.Entries() {
		list = append(list, entry.Path)
	}
	return list
}

// readTar returns what a tar holds, by name.
func readTar(tb testing.TB, text []byte) (headers []*tar.Header, contents map[string]string) {
	tb.Helper()
	contents = map[string]string{}
	reader := tar.NewReader(bytes.NewReader(text))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			tb.Fatal(err)
		}
		headers, contents[header.Name] = append(headers, header), string(content)
	}
}

func tarOf(tb testing.TB, tree *Tree, keep func(Entry) bool) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := tree.WriteTar(context.Background(), &b, keep); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive_ListsWhatItHolds(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t,
				item{name: "run.sh", text: "#!/bin/sh", mode: 0o700},
				item{name: "web/index.html", text: "hello", mode: 0o600},
				item{name: "web/"},
				item{name: "web/home", text: "index.html", mode: fs.ModeSymlink | 0o777},
			))
			want := []Entry{
				{Path: "run.sh", Kind: File, Mode: 0o755, Size: 9},
				{Path: "web", Kind: Directory, Mode: 0o755},
				{Path: "web/home", Kind: Symlink, Mode: 0o777, Link: "index.html"},
				{Path: "web/index.html", Kind: File, Mode: 0o644, Size: 5},
			}
			if got := tree.Entries(); !slices.Equal(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if entry, found := tree.Entry("web/index.html"); !found || entry != want[3] {
				t.Errorf("got %+v, %v", entry, found)
			}
			text, err := tree.ReadFile(t.Context(), "web/index.html", 5)
			if err != nil || string(text) != "hello" {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func TestArchive_ReadFileRefusesLargeMissingAndLinked(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t, item{name: "a", text: "12345"}, item{name: "b", text: "a", mode: fs.ModeSymlink | 0o777}))
			_, err := tree.ReadFile(t.Context(), "a", 4)
			mustRefuse(t, err, "a", "larger than 4 bytes")
			_, err = tree.ReadFile(t.Context(), "c", 4)
			mustRefuse(t, err, "c", "no such file")
			_, err = tree.ReadFile(t.Context(), "b", 4)
			mustRefuse(t, err, "b", "not a file")
		})
	}
}

func TestArchive_ReadsFilesThatItDidNotKeepInMemory(t *testing.T) {
	noise := make([]byte, keptFileBytes+1)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	large := string(noise)
	tree := opened(t, tarGZOf(t, item{name: "a", text: large}, item{name: "b/c/d", text: "deep"}))
	for path, want := range map[string]string{"a": large, "b/c/d": "deep"} {
		got, err := tree.ReadFile(t.Context(), path, 1<<20)
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

func TestArchive_StripsOneTopFolder(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t,
				item{name: "app-1.0/"},
				item{name: "app-1.0/Dockerfile", text: "FROM scratch"},
				item{name: "app-1.0/src/main.go", text: "package main"},
				item{name: "__MACOSX/app-1.0/._Dockerfile", text: "x"},
			))
			if got, want := paths(tree), []string{"Dockerfile", "src", "src/main.go"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if _, contents := readTar(t, tarOf(t, tree, nil)); contents["src/main.go"] != "package main" {
				t.Errorf("got %q", contents)
			}
		})
	}
}

func TestArchive_StripsOnlyOneFolder(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "a/b/Dockerfile"}))
	if got, want := paths(tree), []string{"b", "b/Dockerfile"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestArchive_KeepsTopFolderBesideAnother(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "a/b"}, item{name: "ab/c"}))
	if got, want := paths(tree), []string{"a", "a/b", "ab", "ab/c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestArchive_SkipsWhatMacOSAdds(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t,
				item{name: "./"}, item{name: "./Dockerfile"}, item{name: ".DS_Store"},
				item{name: "web/.DS_Store"}, item{name: "__MACOSX/._x"},
			))
			if got, want := paths(tree), []string{"Dockerfile"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestArchive_RefusesHostileNames(t *testing.T) {
	for _, attack := range []struct{ name, path, entry, reason string }{
		{"absolute path", "/etc/passwd", "/etc/passwd", "is absolute"},
		{"dot dot", "../up", "../up", `with ".."`},
		{"dot dot inside", "a/../../up", "a/../../up", `with ".."`},
		{"dot dot at the end", "a/..", "a/..", `with ".."`},
		{"drive letter", "C:/windows", "C:/windows", "drive letter"},
		{"drive letter without slash", "c:x", "c:x", "drive letter"},
		{"backslash", `a\..\..\up`, `a\..\..\up`, "backslash"},
		{"NUL", "a\x00.png", `"a\x00.png"`, "control character"},
		{"newline", "a\nb", `"a\nb"`, "control character"},
		{"escape sequence", "a\x1b[2Jb", `"a\x1b[2Jb"`, "control character"},
		{"C1 control", "a\u009bb", `"a\u009bb"`, "control character"},
		{"delete", "a\x7f", `"a\x7f"`, "control character"},
		{"invalid UTF-8", "a\xff", `"a\xff"`, "UTF-8"},
		{"empty part", "a//b", "a//b", "empty part"},
		{"dot part", "a/./b", "a/./b", "empty part"},
		{"too long", strings.Repeat("a/", 15) + strings.Repeat("b", 1000), "", "longer than 1024 bytes"},
		{"a part too long", "a/" + strings.Repeat("b", 256) + "/c", "", "longer than 255 bytes"},
		{"too deep", strings.Repeat("a/", 32) + "b", strings.Repeat("a/", 32) + "b", "more than 32 folders deep"},
	} {
		for format, make := range formats {
			if format != "zip" && strings.Contains(attack.path, "\x00") {
				continue // a tar ends its names with NUL
			}
			t.Run(attack.name+" in "+format, func(t *testing.T) {
				entry := attack.entry
				if entry == "" {
					entry = printable.Name(attack.path, nameBytes)
				}
				refusedAtOpen(t, make(t, item{name: "Dockerfile"}, item{name: attack.path}), DefaultLimits(), entry, attack.reason)
			})
		}
	}
}

func TestArchive_AcceptsNamesAtTheLimit(t *testing.T) {
	deepest := strings.Repeat("a/", 31) + "b"
	longest := strings.Repeat("c", 255) + strings.Repeat("/"+strings.Repeat("d", 255), 3)
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t, item{name: deepest}, item{name: longest}, item{name: "ünïcode 名"}))
			for _, path := range []string{deepest, longest, "ünïcode 名"} {
				if _, found := tree.Entry(path); !found {
					t.Errorf("%s is missing", path)
				}
			}
		})
	}
}

func TestArchive_RefusesNamesThatCollide(t *testing.T) {
	for _, attack := range []struct {
		name   string
		items  []item
		reason string
	}{
		{"duplicate file", []item{{name: "a/x"}, {name: "a/x"}}, "twice"},
		{"duplicate folder", []item{{name: "z"}, {name: "a/"}, {name: "a/"}}, "twice"},
		{"duplicate by leading dot", []item{{name: "x"}, {name: "./x"}}, "twice"},
		{"case", []item{{name: "a/Readme"}, {name: "a/README"}}, "case alone"},
		{"case beyond ASCII", []item{{name: "Ärger"}, {name: "ärger"}}, "case alone"},
		{"case by the Kelvin sign", []item{{name: "k"}, {name: "\u212a"}}, "case alone"},
		{"case of folders", []item{{name: "Src/a"}, {name: "src/b"}}, "case alone"},
		{"case of an implied folder", []item{{name: "Src/a"}, {name: "src/"}}, "case alone"},
		{"file then folder", []item{{name: "a"}, {name: "a/"}}, "a folder and a file"},
		{"folder then file", []item{{name: "a/b"}, {name: "a"}}, "a folder and a file"},
		{"file under a file", []item{{name: "a"}, {name: "a/b"}}, "which is a file"},
		{"file under a link", []item{{name: "z"}, {name: "a", text: "z", mode: fs.ModeSymlink | 0o777}, {name: "a/b"}}, "which is a symbolic link"},
		{"link over a folder", []item{{name: "z"}, {name: "a/b"}, {name: "a", text: "z", mode: fs.ModeSymlink | 0o777}}, "a folder and a file"},
		{"link over a file", []item{{name: "z"}, {name: "a"}, {name: "a", text: "z", mode: fs.ModeSymlink | 0o777}}, "twice"},
	} {
		for format, make := range formats {
			t.Run(attack.name+" in "+format, func(t *testing.T) {
				last := strings.TrimPrefix(strings.TrimSuffix(attack.items[len(attack.items)-1].name, "/"), "./")
				refusedAtOpen(t, make(t, attack.items...), DefaultLimits(), last, attack.reason)
			})
		}
	}
}

func TestArchive_RefusesWhatIsNoFileFolderOrLink(t *testing.T) {
	for reason, mode := range map[string]fs.FileMode{
		"a device":     fs.ModeDevice | 0o600,
		"a named pipe": fs.ModeNamedPipe | 0o600,
		"a socket":     fs.ModeSocket | 0o600,
	} {
		t.Run(reason+" in zip", func(t *testing.T) {
			refusedAtOpen(t, zipOf(t, item{name: "x", mode: mode}), DefaultLimits(), "x", reason)
		})
	}
	refusedAtOpen(t, zipOf(t, item{name: "x", mode: fs.ModeDevice | fs.ModeCharDevice | 0o600}), DefaultLimits(), "x", "a device")
	for reason, kind := range map[string]byte{
		"a hard link":        tar.TypeLink,
		"a device":           tar.TypeBlock,
		"a named pipe":       tar.TypeFifo,
		"of an unknown kind": 'Z',
	} {
		t.Run(reason+" in tar.gz", func(t *testing.T) {
			refusedAtOpen(t, tarGZOf(t, item{name: "y"}, item{name: "x", text: "y", kind: kind}), DefaultLimits(), "x", reason)
		})
	}
	refusedAtOpen(t, tarGZOf(t, item{name: "x", kind: tar.TypeChar}), DefaultLimits(), "x", "a device")
}

func TestArchive_RefusesSymlinkOutOfTree(t *testing.T) {
	link := func(name, target string) item { return item{name: name, text: target, mode: fs.ModeSymlink | 0o777} }
	for _, attack := range []struct {
		name   string
		items  []item
		entry  string
		reason string
	}{
		{"absolute", []item{link("a", "/etc/passwd")}, "a", "is absolute"},
		{"one up", []item{link("a", "../x")}, "a", "leads out"},
		{"up from a folder", []item{link("d/a", "../../x")}, "d/a", "leads out"},
		{"up and down again", []item{link("d/a", "x/../../../d/b")}, "d/a", "leads out"},
		{"through a linked folder", []item{{name: "d/e/f"}, link("d/e/top", "../.."), link("a", "d/e/top/../x")}, "a", "leads out"},
		{"through a chain of links", []item{{name: "d/f"}, link("l1", "d"), link("l2", "l1/.."), link("l3", "l2/../x")}, "l3", "leads out"},
		{"out of the stripped folder", []item{{name: "d/f"}, link("d/a", "../d/f")}, "a", "leads out"},
		{"to itself", []item{link("a", "a")}, "a", "back to itself"},
		{"in a circle", []item{link("a", "b"), link("b", "a")}, "a", "back to itself"},
		{"nowhere", []item{link("a", "")}, "a", "leads nowhere"},
		{"drive letter", []item{link("a", "C:/x")}, "a", "drive letter"},
		{"backslash", []item{link("a", `..\x`)}, "a", "backslash"},
		{"control character", []item{link("a", "x\ny")}, "a", "control character"},
		{"too long", []item{link("a", strings.Repeat("x", 1025))}, "a", "longer than 1024 bytes"},
		{"too many parts", []item{link("a", strings.Repeat("x/", 64)+"y")}, "a", "too many parts"},
	} {
		for format, make := range formats {
			t.Run(attack.name+" in "+format, func(t *testing.T) {
				items := attack.items
				if attack.name != "out of the stripped folder" {
					items = append([]item{{name: "x"}}, items...)
				}
				refusedAtOpen(t, make(t, items...), DefaultLimits(), attack.entry, attack.reason)
			})
		}
	}
}

func TestArchive_RefusesLongChainOfSymlinks(t *testing.T) {
	for _, forward := range []bool{true, false} {
		items := []item{{name: "l00"}}
		for i := range 41 {
			items = append(items, item{name: fmt.Sprintf("l%02d", i+1), text: fmt.Sprintf("l%02d", i), mode: fs.ModeSymlink | 0o777})
		}
		if !forward {
			for i := range items[1:] {
				items[i+1] = item{name: fmt.Sprintf("l%02d", i), text: fmt.Sprintf("l%02d", i+1), mode: fs.ModeSymlink | 0o777}
			}
			items[0] = item{name: "l41"}
		}
		_, err := Open(saved(t, zipOf(t, items...)), DefaultLimits())
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok || !strings.Contains(refusal.Reason, "more than 40") {
			t.Errorf("got %v", err)
		}
	}
}

func TestArchive_RefusesSymlinksToPathsThatGrowWithEachOther(t *testing.T) {
	long := strings.Repeat("/"+strings.Repeat("x", 250), 3)
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			refusedAtOpen(t, make(t,
				item{name: "a", text: long[1:], mode: fs.ModeSymlink | 0o777}, item{name: "b", text: "a" + long, mode: fs.ModeSymlink | 0o777},
			), DefaultLimits(), "b", "leads to a path that is longer than 1024 bytes")
			limits := DefaultLimits()
			limits.NameBytes = 2000
			refusedAtOpen(t, make(t,
				item{name: "a", text: long[1:], mode: fs.ModeSymlink | 0o777}, item{name: "b", text: "a/b", mode: fs.ModeSymlink | 0o777},
				item{name: "c", text: "a/c", mode: fs.ModeSymlink | 0o777},
			), limits, "", "longer than 2000 bytes together")
		})
	}
}

func TestArchive_AcceptsSymlinksThatStayInside(t *testing.T) {
	link := func(name, target string) item { return item{name: name, text: target, mode: fs.ModeSymlink | 0o777} }
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t,
				item{name: "bin/tool", text: "x"}, link("tool", "bin/tool"), link("bin/up", ".."), link("again", "bin/up/bin/up/tool"),
				link("node_modules/a", "../packages/a"), link("packages/a/node_modules/b", "../../b"),
				link("packages/b/node_modules/a", "../../a"), link("made-later", "out/file"), link("self", "."),
			))
			headers, _ := readTar(t, tarOf(t, tree, nil))
			for _, header := range headers {
				if header.Name == "again" && (header.Typeflag != tar.TypeSymlink || header.Linkname != "bin/up/bin/up/tool") {
					t.Errorf("got %+v", header)
				}
			}
		})
	}
}

func TestArchive_RefusesMoreThanTheLimits(t *testing.T) {
	limits := DefaultLimits()
	limits.CompressedBytes, limits.ExpandedBytes, limits.Entries = 4000, 20000, 3
	noise := make([]byte, 5000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	text := strings.Repeat("some text to count ", 600) + string(noise[:500])
	for format, make := range formats {
		if format == "tar" {
			continue // its sizes are those of its content
		}
		t.Run(format, func(t *testing.T) {
			refusedAtOpen(t, make(t, item{name: "x", text: string(noise)}), limits, "", "larger than 4000 bytes")
			refusedAtOpen(t, make(t, item{name: "x", text: text}, item{name: "y", text: text}), limits, "", "more than 20000 bytes")
			refusedAtOpen(t, make(t, item{name: "a"}, item{name: "b"}, item{name: "c"}, item{name: "d"}), limits, "", "more than 3 entries")
			refusedAtOpen(t, make(t, item{name: "x", text: strings.Repeat("\x00", 5<<20)}), DefaultLimits(), "", "200 times")
			refusedAtOpen(t, make(t, item{name: "x"}, item{name: "a/a/a/a/y"}), limits, "", "more than 3 folders")
		})
	}
}

func TestArchive_RefusesMoreNamesThanTheLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.NameBytes = 20
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			refusedAtOpen(t, make(t, item{name: "0123456789"}, item{name: "01234567890"}), limits, "", "longer than 20 bytes together")
			refusedAtOpen(t, make(t, item{name: "0123456789", text: "01234567890", mode: fs.ModeSymlink | 0o777}), limits, "", "longer than 20 bytes together")
			refusedAtOpen(t, make(t, item{name: "01234/6789/b"}), limits, "", "longer than 20 bytes together")
			tree, err := Open(saved(t, make(t, item{name: "0123456789"}, item{name: "1", text: "012345678", mode: fs.ModeSymlink | 0o777})), limits)
			if err != nil {
				t.Fatalf("20 bytes: %v", err)
			}
			_ = tree.Close()
		})
	}
}

func TestArchive_RefusesNamesBeforeTheyAreAllRead(t *testing.T) {
	var items []item
	for i := range 20_000 {
		items = append(items, item{name: strings.Repeat(strings.Repeat("a", 250)+"/", 4) + fmt.Sprint(i) + "/"})
	}
	path := saved(t, zipOf(t, items...))
	before := allocated()
	_, err := Open(path, DefaultLimits())
	mustRefuse(t, err, "", "longer than 8 MB together")
	if used := allocated() - before; used > 16<<20 {
		t.Errorf("to refuse 20 MB of names took %d bytes of memory", used)
	}
}

// allocated returns how many bytes were ever allocated.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func TestArchive_CountsSkippedEntriesToo(t *testing.T) {
	limits := DefaultLimits()
	limits.Entries = 2
	for _, make := range formats {
		refusedAtOpen(t, make(t, item{name: "a"}, item{name: ".DS_Store"}, item{name: "__MACOSX/x"}), limits, "", "more than 2 entries")
	}
}

func TestArchive_ZeroLimitsAllowNothing(t *testing.T) {
	for _, make := range formats {
		_, err := Open(saved(t, make(t, item{name: "a"})), Limits{})
		if _, ok := errors.AsType[*Refusal](err); !ok {
			t.Errorf("got %v", err)
		}
	}
}

func TestArchive_RefusesEmptyArchive(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			refusedAtOpen(t, make(t), DefaultLimits(), "", "is empty")
			refusedAtOpen(t, make(t, item{name: "app/"}), DefaultLimits(), "", "is empty")
			refusedAtOpen(t, make(t, item{name: ".DS_Store"}), DefaultLimits(), "", "is empty")
		})
	}
}

func TestArchive_NamesTheFormatThatItDoesNotRead(t *testing.T) {
	for reason, data := range map[string]string{
		"a RAR archive":     "Rar!\x1a\x07",
		"a 7z archive":      "7z\xbc\xaf\x27\x1c",
		"neither a ZIP nor": "",
	} {
		refusedAtOpen(t, []byte(data), DefaultLimits(), "", reason)
	}
	refusedAtOpen(t, []byte("\x1f\x8bnot really gzip"), DefaultLimits(), "", "damaged or cut off")
	refusedAtOpen(t, []byte("PK\x03\x04not really zip"), DefaultLimits(), "", "damaged, cut off")
}

func TestArchive_MissingFileIsNoRefusal(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), DefaultLimits())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestArchive_RefusesCutOffAndExtended(t *testing.T) {
	for format, make := range formats {
		data := make(t, item{name: "a", text: strings.Repeat("text ", 100)}, item{name: "b", text: "more"})
		for _, cut := range []int{1, 10, len(data) / 2, len(data) - 20} {
			t.Run(fmt.Sprintf("%s without %d bytes", format, cut), func(t *testing.T) {
				_, err := Open(saved(t, data[:len(data)-cut]), DefaultLimits())
				if _, ok := errors.AsType[*Refusal](err); !ok {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	data := zipOf(t, item{name: "a"})
	refusedAtOpen(t, append(slices.Clone(data), "junk"...), DefaultLimits(), "", "behind it")
	refusedAtOpen(t, append([]byte("PK"), data...), DefaultLimits(), "", "before")
}

func TestRefusal_ShowsNoRawBytes(t *testing.T) {
	for name, want := range map[string]string{
		"plain/näme":             "plain/näme",
		"a\x1b[31m":              `"a\x1b[31m"`,
		"a\u202eb":               `"a\u202eb"`,
		strings.Repeat("x", 500): strings.Repeat("x", 60) + "..." + strings.Repeat("x", 60),
	} {
		if got := printable.Name(name, nameBytes); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
