package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
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
			files := filesOf(t, tree, layout)
			want, got := describedTar(t, tree, layout), describedFS(t, files)
			if !maps.Equal(want, got) {
				t.Errorf("as a tar\n%s\nas files\n%s", lines(want), lines(got))
			}
		})
	}
}

func TestLayoutFS_IsAFileSystem(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "src/deep/a", text: "a"}, item{name: "src-b", text: "b"}, item{name: "none/"}))
	if err := fstest.TestFS(filesOf(t, tree, Layout{Below: "app"}), "app/src/deep/a", "app/src-b", "app/none"); err != nil {
		t.Error(err)
	}
}

func TestLayoutFS_RefusesWhatIsNotAsDeclared(t *testing.T) {
	for reason, declared := range map[string]uint64{"holds more": 3, "holds less": 5} {
		data := declaredZIP(t, zip.FileHeader{UncompressedSize64: declared}, "text")
		files := filesOf(t, opened(t, data), Layout{})
		for range 2 { // the first may have been read ahead
			_, err := fs.ReadFile(files, "file")
			mustRefuse(t, err, "file", reason)
		}
	}
}

func TestLayoutFS_IsForArchivesThatCanBeReadInAnyOrder(t *testing.T) {
	if files := filesOf(t, opened(t, tarGZOf(t, item{name: "a", text: "a"})), Layout{}); files != nil {
		t.Errorf("got %v for a tar.gz", files)
	}
}

func TestLayoutFS_IsReadByManyAtOnce(t *testing.T) {
	items := []item{{name: "top", text: "t"}}
	for i := range 200 {
		items = append(items, item{name: fmt.Sprintf("d/%d", i), text: strings.Repeat(fmt.Sprint(i, " "), i*40)})
	}
	files := filesOf(t, opened(t, zipOf(t, items...)), Layout{})
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
	files := filesOf(t, opened(t, zipOf(t, item{name: "large", text: string(text)}, item{name: "small", text: "s"})), Layout{})
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

func TestLayoutFS_ReadsAheadWithinItsRoom(t *testing.T) {
	items := []item{{name: "Dockerfile", text: "FROM scratch"}}
	for i := range 20_000 {
		items = append(items, item{name: fmt.Sprintf("empty/%05d", i)}, item{name: fmt.Sprintf("tiny/%05d", i), text: "x"})
	}
	tree := opened(t, storedZIP(t, items...))
	files := filesOf(t, tree, Layout{})
	tree.ahead.Wait()
	taken, begun := 0, 0
	for _, early := range files.(*layoutFS).ahead.files {
		taken += cap(early.text)
		begun += len(early.text)
	}
	if taken > layoutAhead || begun < 1000 {
		t.Errorf("%d bytes of content are held in %d bytes", begun, taken)
	}
	for _, path := range []string{"Dockerfile", "empty/00000", "empty/19999", "tiny/00000", "tiny/19999"} {
		if info, err := fs.Stat(files, path); err != nil {
			t.Error(err)
		} else if text, err := fs.ReadFile(files, path); err != nil || int64(len(text)) != info.Size() {
			t.Errorf("%s: got %q, %v", path, text, err)
		}
	}
}

func TestLayoutFS_EndsReadingAheadWithTheTreeAndWithTheContext(t *testing.T) {
	data := zipOf(t, item{name: "a", text: "a"}, item{name: "b", text: "b"})
	for name, end := range map[string]func(*Tree, context.CancelFunc){
		"tree":    func(tree *Tree, _ context.CancelFunc) { _ = tree.Close() },
		"context": func(_ *Tree, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			tree := opened(t, data)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			files, err := tree.LayoutFS(ctx, Layout{Keep: func(e Entry) bool {
				if e.Path == "b" { // the last one, so it ends before any is read
					end(tree, cancel)
				}
				return true
			}})
			if err != nil {
				t.Fatal(err)
			}
			tree.ahead.Wait()
			for i, early := range files.(*layoutFS).ahead.files {
				if early.begun {
					t.Errorf("file %d was read after the end", i)
				}
			}
		})
	}
}

func TestLayoutFS_OpensNothingAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	text := strings.Repeat("x", layoutAhead)
	files, err := opened(t, storedZIP(t, item{name: "large", text: text})).LayoutFS(ctx, Layout{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := fs.ReadFile(files, "large"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLayoutFS_EndsWithTheContextWhileItChooses(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "a"}, item{name: "b"}, item{name: "c"}))
	late := errors.New("the build took too long")
	for name, choose := range map[string]func(context.Context, Layout) error{
		"files": func(ctx context.Context, layout Layout) error { _, err := tree.LayoutFS(ctx, layout); return err },
		"tar":   func(ctx context.Context, layout Layout) error { return tree.WriteContext(ctx, io.Discard, layout) },
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		asked := 0
		err := choose(ctx, Layout{Keep: func(Entry) bool { asked++; cancel(late); return true }})
		if !errors.Is(err, late) || asked != 1 {
			t.Errorf("%s: got %v after %d entries", name, err, asked)
		}
	}
}

// storedZIP is zipOf for many files: none is compressed.
func storedZIP(t *testing.T, items ...item) []byte {
	t.Helper()
	return rawZIP(t, func(w *zip.Writer) {
		for _, i := range items {
			entry, err := w.CreateHeader(&zip.FileHeader{Name: i.name, Method: zip.Store})
			if err == nil {
				_, err = io.WriteString(entry, i.text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func filesOf(t *testing.T, tree *Tree, layout Layout) fs.FS {
	t.Helper()
	files, err := tree.LayoutFS(t.Context(), layout)
	if err != nil {
		t.Fatal(err)
	}
	return files
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
