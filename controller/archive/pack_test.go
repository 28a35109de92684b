package archive

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func folderOf(t *testing.T, items ...item) string {
	t.Helper()
	dir := t.TempDir()
	for _, i := range items {
		path := filepath.Join(dir, i.name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && i.mode&fs.ModeSymlink != 0 {
			err = os.Symlink(i.text, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(i.text), i.fileMode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func packed(t *testing.T, dir string, ignore *Ignore) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(context.Background(), dir, &b, ignore); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPack_MakesWhatOpenReads(t *testing.T) {
	dir := folderOf(t,
		item{name: "Dockerfile", text: "FROM scratch"}, item{name: "run.sh", text: "#!/bin/sh", mode: 0o755},
		item{name: "web/index.html", text: "hello"}, item{name: "web/home", text: "index.html", mode: fs.ModeSymlink},
	)
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree := opened(t, packed(t, dir, nil))
	want := []Entry{
		{Path: "Dockerfile", Mode: 0o644, Size: 12},
		{Path: "empty", Kind: Directory, Mode: 0o755},
		{Path: "run.sh", Mode: 0o755, Size: 9},
		{Path: "web", Kind: Directory, Mode: 0o755},
		{Path: "web/home", Kind: Symlink, Mode: 0o777, Link: "index.html"},
		{Path: "web/index.html", Mode: 0o644, Size: 5},
	}
	if got := tree.Entries(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if text, err := tree.ReadFile(t.Context(), "web/index.html", 10); err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestPack_IsTheSameEachTime(t *testing.T) {
	dir := folderOf(t, item{name: "b"}, item{name: "a/c"}, item{name: "a-b"})
	if !bytes.Equal(packed(t, dir, nil), packed(t, dir, nil)) {
		t.Error("two archives of one folder differ")
	}
}

func TestPack_LeavesOutWhatIsIgnored(t *testing.T) {
	dir := folderOf(t,
		item{name: ".dockerignore"}, item{name: "Dockerfile"}, item{name: "secret.key"},
		item{name: "data/a"}, item{name: "data/keep/b"}, item{name: "link", text: "/etc/passwd", mode: fs.ModeSymlink},
	)
	tree := opened(t, packed(t, dir, parsedIgnore(t, "data", "!data/keep", "*.key", "link")))
	want := []string{".dockerignore", "Dockerfile", "data", "data/keep", "data/keep/b"}
	if got := paths(tree); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPack_DoesNotReadIgnoredFolders(t *testing.T) {
	dir := folderOf(t, item{name: "Dockerfile"}, item{name: "node_modules/x"})
	pipe := filepath.Join(dir, "node_modules", "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := paths(opened(t, packed(t, dir, parsedIgnore(t, "node_modules")))); !slices.Equal(got, []string{"Dockerfile"}) {
		t.Errorf("got %q", got)
	}
	if got := paths(opened(t, packed(t, dir, parsedIgnore(t, "**/pipe")))); !slices.Contains(got, "node_modules/x") {
		t.Errorf("a pipe that is ignored by itself: got %q", got)
	}
	err := Pack(context.Background(), dir, &bytes.Buffer{}, nil)
	mustRefuse(t, err, "node_modules/pipe", "a device or a named pipe")
}

func TestPack_LeavesOutSockets(t *testing.T) {
	dir := folderOf(t, item{name: "Dockerfile"})
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := paths(opened(t, packed(t, dir, nil))); !slices.Equal(got, []string{"Dockerfile"}) {
		t.Errorf("got %q", got)
	}
}

func TestPack_FailsWithoutTheFolder(t *testing.T) {
	err := Pack(context.Background(), filepath.Join(t.TempDir(), "none"), &bytes.Buffer{}, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestPack_EndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Pack(ctx, t.TempDir(), &bytes.Buffer{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
