// Package archivetest makes archives for tests.
package archivetest

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
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
