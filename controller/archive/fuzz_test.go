package archive

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
)

// fuzzLimits are small, so that an input that gets around one is found soon.
var fuzzLimits = Limits{CompressedBytes: 1 << 20, ExpandedBytes: 1 << 20, Entries: 100, Ratio: 200, PathBytes: 128, PathDepth: 8, NameBytes: 4 << 10}

// checkTree checks what must hold for whatever Open and OpenApp accept.
func checkTree(t *testing.T, data []byte) {
	t.Helper()
	checkTreeOf(t, data, Open)
	checkTreeOf(t, data, OpenApp)
}

func checkTreeOf(t *testing.T, data []byte, open func(string, Limits) (*Tree, error)) {
	t.Helper()
	tree, err := open(saved(t, data), fuzzLimits)
	if err != nil {
		if _, ok := errors.AsType[*Refusal](err); !ok {
			t.Fatalf("bad input is no Refusal: %v", err)
		}
		return
	}
	defer tree.Close()
	folded := map[string]bool{}
	total := int64(0)
	for _, entry := range tree.Entries() {
		if !fs.ValidPath(entry.Path) || entry.Path == "." || strings.ContainsAny(entry.Path, "\\\x00\n") {
			t.Errorf("unsafe path %q", entry.Path)
		}
		if key := strings.ToLower(entry.Path); folded[key] {
			t.Errorf("%q collides", entry.Path)
		} else {
			folded[key] = true
		}
		if above, found := tree.Entry(path.Dir(entry.Path)); path.Dir(entry.Path) != "." && (!found || above.Kind != Directory) {
			t.Errorf("%q is not in a folder", entry.Path)
		}
		if entry.Kind == Symlink && (path.IsAbs(entry.Link) || strings.HasPrefix(path.Join(path.Dir(entry.Path), entry.Link), "..")) {
			t.Errorf("%q leads to %q", entry.Path, entry.Link)
		}
		total += entry.Size
	}
	if total > fuzzLimits.ExpandedBytes {
		t.Errorf("%d bytes expanded", total)
	}
	var out bytes.Buffer
	if err := tree.WriteTar(context.Background(), &out, nil); err != nil {
		if _, ok := errors.AsType[*Refusal](err); !ok {
			t.Fatalf("bad content is no Refusal: %v", err)
		}
		return
	}
	headers, _ := readTar(t, out.Bytes())
	if len(headers) != len(tree.Entries()) {
		t.Errorf("%d entries became %d", len(tree.Entries()), len(headers))
	}
}

var fuzzSeeds = [][]item{
	{},
	{{name: "Dockerfile", text: "FROM scratch"}},
	{{name: "app/"}, {name: "app/run.sh", text: "#!/bin/sh", mode: 0o755}, {name: "app/a/b/c", text: strings.Repeat("x", 300)}},
	{{name: "a", text: "b/../c", mode: fs.ModeSymlink | 0o777}, {name: "b", text: ".", mode: fs.ModeSymlink | 0o777}, {name: "c"}},
	{{name: "../up"}},
	{{name: "a"}, {name: "A"}},
	{{name: "a"}, {name: "a/b"}},
	{{name: "__MACOSX/x"}, {name: ".DS_Store"}, {name: "y"}},
}

func FuzzOpenZIP(f *testing.F) {
	for _, items := range fuzzSeeds {
		f.Add(zipOf(f, items...))
	}
	f.Add(declaredZIP(f, zip.FileHeader{UncompressedSize64: 5}, "text"))
	f.Add(declaredZIP(f, zip.FileHeader{Flags: 1, UncompressedSize64: 4}, "text"))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) { checkTree(t, data) })
}

// FuzzOpenTarGZ compresses its input, as a fuzzer hardly ever gets a checksum right.
func FuzzOpenTarGZ(f *testing.F) {
	for _, items := range fuzzSeeds {
		expanded, err := gzip.NewReader(bytes.NewReader(tarGZOf(f, items...)))
		if err != nil {
			f.Fatal(err)
		}
		plain, err := io.ReadAll(expanded)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkTree(t, gzipped(t, func(w io.Writer) { _, _ = w.Write(data) }))
		checkTree(t, append([]byte("\x1f\x8b"), data...))
	})
}

func FuzzParseIgnore(f *testing.F) {
	for _, seed := range []string{"", "node_modules\n!node_modules/keep", "**/*.md", "# comment\n/a/", "[a-c]\n?\\*", "!", "[", "a/**/b", "\xff"} {
		f.Add([]byte(seed), "a/b/c")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		ignore, err := ParseIgnore(text)
		if err != nil {
			if _, ok := errors.AsType[*Refusal](err); !ok {
				t.Fatalf("bad input is no Refusal: %v", err)
			}
			return
		}
		clean, err := parseName(name, fuzzLimits)
		if err != nil || clean == "" {
			return
		}
		entry := Entry{Path: clean, Kind: Directory}
		below := Entry{Path: clean + "/below"}
		if kept := ignore.Keep(entry); kept != ignore.Keep(entry) {
			t.Error("the second answer differs")
		} else if !kept && ignore.prunes(clean) && ignore.Keep(below) {
			t.Errorf("%q is pruned and %q is kept", clean, below.Path)
		}
	})
}
