//go:build integration

package docker

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/planner"
)

// unusual are files of an app, in this order: a folder that an engine must not take for the
// beginning of a Dockerfile, a Dockerfile that is a link, and a link that the app ignores.
var unusual = [][2]string{
	{"Übungen/x.txt", "x"},
	{"Dockerfile@", "docker/Dockerfile.slim"},
	{".dockerignore", "docker\n.venv\n"},
	{".venv/python3@", "/usr/bin/python3"},
	{"docker/Dockerfile.slim", "FROM scratch\nCOPY Übungen /files\nCMD [\"/none\"]\n"},
}

func unusualZIP(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, file := range unusual {
		name, link := strings.CutSuffix(file[0], "@")
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o644)
		if link {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		entry, err := w.CreateHeader(header)
		if err == nil {
			_, err = io.WriteString(entry, file[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unusualTar(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	w := tar.NewWriter(packed)
	for _, file := range unusual {
		name, link := strings.CutSuffix(file[0], "@")
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(file[1]))}
		if link {
			header = &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: file[1], Mode: 0o777}
		}
		err := w.WriteHeader(header)
		if err == nil && !link {
			_, err = io.WriteString(w, file[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBuild_TakesUnusualArchivesInEveryForm(t *testing.T) {
	for name, data := range map[string][]byte{"zip": unusualZIP(t), "tar.gz": unusualTar(t)} {
		t.Run(name, func(t *testing.T) {
			engine := openTest(t)
			path := filepath.Join(t.TempDir(), "upload")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			tree, err := archive.OpenApp(path, archive.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tree.Close() }()
			made, err := planner.From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits()})
			if err != nil {
				t.Fatal(err)
			}
			build := made.Services[0].Build
			files, err := tree.LayoutFS(t.Context(), build.Layout())
			if err != nil {
				t.Fatal(err)
			}
			book := &logbook{}
			_, err = engine.Build(t.Context(), BuildOptions{App: "unusual", Release: 1, Build: build, Context: tree.LayoutWriter(build.Layout()), Files: files}, book.line)
			if err != nil {
				t.Fatalf("%v\n%s", err, book)
			}
		})
	}
}
