package archive

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWriteContext_PutsExtrasBesideWhatTheArchiveHolds(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("binary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t, item{name: "a/b", text: "hello"}, item{name: ".own/evil", text: "evil"}))
			layout := Layout{
				Keep:   func(e Entry) bool { return !strings.HasPrefix(e.Path, ".own") },
				Below:  "site/files",
				Extras: []Extra{{Path: ".own/Dockerfile", Text: "FROM scratch"}, {Path: ".own/bin/program", File: program}},
			}
			var first, second bytes.Buffer
			for _, w := range []*bytes.Buffer{&first, &second} {
				if err := tree.WriteContext(t.Context(), w, layout); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Error("two contexts of the same differ")
			}
			headers, contents := readTar(t, first.Bytes())
			var got []string
			for _, h := range headers {
				got = append(got, fmt.Sprintf("%s %o %s", h.Name, h.Mode, contents[h.Name]))
			}
			want := []string{
				"site/ 755 ", "site/files/ 755 ", ".own/ 755 ", ".own/Dockerfile 644 FROM scratch", ".own/bin/ 755 ", ".own/bin/program 755 binary",
				"site/files/a/ 755 ", "site/files/a/b 644 hello",
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestWriteContext_SaysWhichExtraCannotBeRead(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "a"}))
	err := tree.WriteContext(t.Context(), new(bytes.Buffer), Layout{Extras: []Extra{{Path: "x/server", File: filepath.Join(t.TempDir(), "none")}}})
	if err == nil || !strings.Contains(err.Error(), "add x/server to the build context") {
		t.Errorf("got %v", err)
	}
}

func TestReadFiles_ReadsTheFilesThatAreThere(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t, item{name: "a/b/c/d", text: "deep"}, item{name: "a/b/e", text: "beside"}, item{name: "large", text: strings.Repeat("x", 100)}))
			texts, err := tree.ReadFiles(t.Context(), []string{"a/b/c/d", "large", "a/b", "none"}, 50)
			if err != nil || len(texts) != 1 || string(texts["a/b/c/d"]) != "deep" {
				t.Errorf("got %q, %v", texts, err)
			}
		})
	}
}
