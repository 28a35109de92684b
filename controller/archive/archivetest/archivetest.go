// Package archivetest makes archives for tests.
package archivetest

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive"
)

// Zip returns a ZIP of files, by name.
func Zip(t testing.TB, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		entry, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(entry, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Tree opens a ZIP of names and contents, given in turn.
func Tree(tb testing.TB, files ...string) *archive.Tree {
	tb.Helper()
	tree, err := Open(tb, files...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// Open is Tree for archives that may be refused.
func Open(tb testing.TB, files ...string) (*archive.Tree, error) {
	tb.Helper()
	return archive.Open(write(tb, files), archive.DefaultLimits())
}

// App is Tree for an archive as an upload opens it. The content of a name that ends with @
// is the target of a link.
func App(tb testing.TB, files ...string) *archive.Tree {
	tb.Helper()
	tree, err := archive.OpenApp(write(tb, files), archive.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// write makes a ZIP of names and contents, and returns its path.
func write(tb testing.TB, files []string) string {
	tb.Helper()
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	for i := 0; i < len(files); i += 2 {
		name, linked := strings.CutSuffix(files[i], "@")
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o644)
		switch {
		case linked:
			header.SetMode(fs.ModeSymlink | 0o777)
		case strings.HasSuffix(name, "/"):
			header.SetMode(fs.ModeDir | 0o755)
		}
		entry, err := w.CreateHeader(header)
		if err == nil && !strings.HasSuffix(name, "/") {
			_, err = io.WriteString(entry, files[i+1])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "app.zip")
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
