package archive

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func TestLayoutFS_HoldsWhatTheTarHolds(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree := opened(t, zipOf(t,
		item{name: "web/Dockerfile", text: "FROM scratch"}, item{name: "web/run", text: "#!", mode: 0o755},
		item{name: "web/src/deep/a", text: "a"}, item{name: "web/src-b", text: "b"}, item{name: "web/src/link", text: "deep/a", mode: fs.ModeSymlink | 0o777},
		item{name: "web/empty/"}, item{name: "web/none", text: ""}, item{name: "web/secret/key", text: "k"}, item{name: "web/secret/public", text: "p"},
		item{name: "other/c", text: "c"}))
	for name, layout := range map[string]Layout{
		"whole":  {},
		"folder": {Folder: "web", Keep: func(e Entry) bool { return e.Path != "secret" && e.Path != "secret/key" }},
		"below":  {Folder: "web", Below: "app/src", Extras: []Extra{{Path: "Dockerfile", Text: "FROM own"}, {Path: "bin/berth", File: program}}},
		"extras": {Extras: []Extra{{Path: "other/x", Text: "replaces the folder"}}},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree.LayoutFS(layout)
			want, got := describedTar(t, tree, layout), describedFS(t, files)
			if !maps.Equal(want, got) {
				t.Errorf("as a tar\n%s\nas files\n%s", lines(want), lines(got))
			}
		})
	}
}

func TestLayoutFS_IsAFileSystem(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "src/deep/a", text: "a"}, item{name: "src-b", text: "b"}, item{name: "none/"}))
	if err := fstest.TestFS(tree.LayoutFS(Layout{Below: "app"}), "app/src/deep/a", "app/src-b", "app/none"); err != nil {
		t.Error(err)
	}
}

func TestLayoutFS_RefusesWhatIsNotAsDeclared(t *testing.T) {
	for reason, declared := range map[string]uint64{"holds more": 3, "holds less": 5} {
		data := declaredZIP(t, zip.FileHeader{UncompressedSize64: declared}, "text")
		files := opened(t, data).LayoutFS(Layout{})
		for range 2 { // the first may have been read ahead
			_, err := fs.ReadFile(files, "file")
			mustRefuse(t, err, "file", reason)
		}
	}
}

func TestLayoutFS_IsForArchivesThatCanBeReadInAnyOrder(t *testing.T) {
	if files := opened(t, tarGZOf(t, item{name: "a", text: "a"})).LayoutFS(Layout{}); files != nil {
		t.Errorf("got %v for a tar.gz", files)
	}
}

func TestLayoutFS_IsReadByManyAtOnce(t *testing.T) {
	items := []item{{name: "top", text: "t"}}
	for i := range 200 {
		items = append(items, item{name: fmt.Sprintf("d/%d", i), text: strings.Repeat(fmt.Sprint(i, " "), i*40)})
	}
	files := opened(t, zipOf(t, items...)).LayoutFS(Layout{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for i, item := range items {
				text, err := fs.ReadFile(files, item.name)
				if err != nil || string(text) != item.text {
					t.Errorf("%d: got %d bytes, %v", i, len(text), err)
				}
			}
		})
	}
	readers.Wait()
}

func TestLayoutFS_ReadsAlsoWhatIsTooLargeToReadAhead(t *testing.T) {
	text := make([]byte, layoutAhead+1)
	if _, err := rand.Read(text); err != nil {
		t.Fatal(err)
	}
	files := opened(t, zipOf(t, item{name: "large", text: string(text)}, item{name: "small", text: "s"})).LayoutFS(Layout{})
	file, err := files.Open("large")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(file, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(files, "large"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if got, err := fs.ReadFile(files, "small"); err != nil || string(got) != "s" {
		t.Errorf("got %q, %v", got, err)
	}
}

// describedTar and describedFS say by path what an entry is.
func describedTar(t *testing.T, tree *Tree, layout Layout) map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := tree.WriteContext(t.Context(), &out, layout); err != nil {
		t.Fatal(err)
	}
	headers, contents := readTar(t, out.Bytes())
	described := map[string]string{}
	for _, header := range headers {
		info := header.FileInfo()
		described[strings.TrimSuffix(header.Name, "/")] = description(info, header.Linkname, contents[header.Name])
	}
	return described
}

func describedFS(t *testing.T, files fs.FS) map[string]string {
	t.Helper()
	described := map[string]string{}
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var link string
		var text []byte
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			link, err = fs.ReadLink(files, path)
		case !entry.IsDir():
			text, err = fs.ReadFile(files, path)
		}
		described[path] = description(info, link, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return described
}

func description(info fs.FileInfo, link, text string) string {
	return fmt.Sprint(info.Mode(), " ", info.ModTime().Unix(), " ", info.Size(), " ", link, " ", text[:min(len(text), 40)])
}

func lines(described map[string]string) string {
	var text strings.Builder
	for _, path := range slices.Sorted(maps.Keys(described)) {
		fmt.Fprintf(&text, "  %s: %s\n", path, described[path])
	}
	return text.String()
}
