package planner

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/problem/problemtest"
)

// tarGZTreeOf is treeOf for a tar.gz.
func tarGZTreeOf(t *testing.T, files ...string) *archive.Tree {
	t.Helper()
	var data bytes.Buffer
	packed := gzip.NewWriter(&data)
	w := tar.NewWriter(packed)
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: files[i], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[i+1]))})
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "app.tar.gz")
	if err := errors.Join(w.Close(), packed.Close(), os.WriteFile(name, data.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	tree, err := archive.Open(name, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

func noiseOf(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text) // never fails
	return string(text)
}

// manyFiles is a compose file whose one service reads so many env files and configs.
func manyFiles(count int, envFile, config func(int) string) string {
	var text, configs, uses strings.Builder
	text.WriteString("services:\n  web:\n    image: nginx:1\n    env_file:\n")
	for i := range count {
		fmt.Fprintf(&text, "      - %s\n", envFile(i))
		fmt.Fprintf(&uses, "      - {source: c%d, target: /opt/c%d}\n", i, i)
		fmt.Fprintf(&configs, "  c%d: {file: %s}\n", i, config(i))
	}
	return text.String() + "    configs:\n" + uses.String() + "configs:\n" + configs.String()
}

func TestCompose_ReadsManySmallFilesOfATarGZ(t *testing.T) {
	files := []string{"compose.yaml", manyFiles(50,
		func(i int) string { return fmt.Sprintf("a/b/c/%d.env", i) }, func(i int) string { return fmt.Sprintf("./a/b//c/%d.txt", i) })}
	for i := range 50 {
		files = append(files, fmt.Sprintf("a/b/c/%d.env", i), fmt.Sprintf("E%d=%d", i, i), fmt.Sprintf("a/b/c/%d.txt", i), fmt.Sprint(i))
	}
	made, err := From(t.Context(), tarGZTreeOf(t, files...), options)
	if err != nil {
		t.Fatal(err)
	}
	web := made.Services[0]
	if len(web.Environment) != 50 || len(web.Files) != 50 || string(web.Files[49].Content) != "49" {
		t.Errorf("got %d variables and %d files", len(web.Environment), len(web.Files))
	}
}

func TestCompose_ReadsALargeFileOfATarGZOnceHoweverItIsSpelled(t *testing.T) {
	text := manyFiles(50,
		func(i int) string { return "a/" + strings.Repeat("./", i) + "b/" + strings.Repeat("/", i) + "env" },
		func(i int) string { return strings.Repeat("./", i) + "a/b/c" })
	made, err := From(t.Context(), tarGZTreeOf(t, "compose.yaml", text, "a/b/c", noiseOf(70<<10), "a/b/env", "A=b"), options)
	if err != nil {
		t.Fatal(err)
	}
	if files := made.Services[0].Files; len(files) != 50 || len(files[49].Content) != 70<<10 {
		t.Errorf("got %d files", len(files))
	}
}

func TestCompose_RefusesManyLargeFilesOfATarGZ(t *testing.T) {
	files := []string{"compose.yaml", manyFiles(40, func(int) string { return "a/b/env" }, func(i int) string { return fmt.Sprintf("a/b/c%d", i) }), "a/b/env", "A=b"}
	for i := range 40 {
		files = append(files, fmt.Sprintf("a/b/c%d", i), noiseOf(70<<10))
	}
	_, err := From(t.Context(), tarGZTreeOf(t, files...), options)
	refusal, ok := errors.AsType[*archive.Refusal](err)
	if !ok || refusal.File != "a/b/c32" || !strings.Contains(refusal.Hint, "Send a .zip") {
		t.Errorf("got %v", err)
	}
}

func TestFrom_EndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, files := range [][]string{
		{"compose.yaml", "services: {web: {image: nginx:1}}"},
		{"Dockerfile", "FROM scratch"},
		{"package.json", "{}"},
	} {
		for _, tree := range []*archive.Tree{archivetest.Tree(t, files...), tarGZTreeOf(t, files...)} {
			if _, err := From(ctx, tree, options); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v", files[0], err)
			}
		}
	}
}

func TestCompose_CountsServicesBeforeItPlansThem(t *testing.T) {
	var text strings.Builder
	text.WriteString("services:\n")
	for i := range mostContainers + 1 {
		fmt.Fprintf(&text, "  s%d: {image: nginx:1, env_file: missing}\n", i)
	}
	_, err := composed(t, text.String(), options)
	problemtest.MustRefuse(t, err, "compose.yaml", 1, "more than 24 containers")
}
