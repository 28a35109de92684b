package volume

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func stream(t *testing.T, from *bytes.Buffer) func(io.Writer) error {
	t.Helper()
	return func(to io.Writer) error { _, err := to.Write(from.Bytes()); return err }
}

// backedUp is a volume as a backup has it: the root first.
func backedUp(t *testing.T, s *Session) *bytes.Buffer {
	t.Helper()
	root, err := s.Find("")
	if err != nil {
		t.Fatal(err)
	}
	var made bytes.Buffer
	out := tar.NewWriter(&made)
	if err := errors.Join(out.WriteHeader(RootHeader(root)), out.Flush()); err != nil {
		t.Fatal(err)
	}
	content, err := s.Pack("")
	if err == nil {
		_, err = io.Copy(&made, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &made
}

func TestRestore_BringsAVolumeBackAsItWas(t *testing.T) {
	session, folder := open(t)
	deep := strings.Repeat("deep/", 40) + "file" // deeper than what a person may upload
	place(t, folder, deep, "below")
	place(t, folder, "data/rows", "1 2 3")
	place(t, folder, "data/bad\xffname", "x")
	link(t, folder, "data/out", "/etc/passwd")
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	err := errors.Join(os.Chmod(filepath.Join(folder, "data/rows"), 0o640), os.Chmod(filepath.Join(folder, "data"), 0o700),
		os.Chtimes(filepath.Join(folder, "data/rows"), old, old), os.Chtimes(filepath.Join(folder, "data"), old, old), os.Chmod(folder, 0o750))
	if os.Getuid() == 0 {
		err = errors.Join(err, os.Lchown(filepath.Join(folder, "data/rows"), 999, 998), os.Lchown(filepath.Join(folder, "data"), 999, 998),
			os.Lchown(filepath.Join(folder, "data/out"), 999, 998), os.Chown(folder, 999, 998))
	}
	if err != nil {
		t.Fatal(err)
	}
	before := backedUp(t, session)
	again, restored := open(t)
	if err := again.Restore(stream(t, before)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", deep, "data", "data/rows", "data/bad\xffname", "data/out"} {
		was, wasErr := os.Lstat(filepath.Join(folder, name))
		is, isErr := os.Lstat(filepath.Join(restored, name))
		if err := errors.Join(wasErr, isErr); err != nil {
			t.Fatal(err)
		}
		if was.Mode() != is.Mode() || describe(was).Owner != describe(is).Owner || !was.ModTime().Equal(is.ModTime()) && was.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%q was %v of %v, %v, and is %v of %v, %v", name, was.Mode(), describe(was).Owner, was.ModTime(), is.Mode(), describe(is).Owner, is.ModTime())
		}
	}
	if got := textOf(t, restored, "data/rows") + textOf(t, restored, deep); got != "1 2 3below" {
		t.Errorf("it holds %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(restored, stagePrefix+"*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRestore_LeavesAVolumeAloneThatHoldsSomething(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "kept", "as it is")
	other, _ := open(t)
	err := session.Restore(stream(t, backedUp(t, other)))
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Code != Conflict {
		t.Errorf("got %v", err)
	}
}

func TestRestore_LeavesNothingOfAStreamThatEndsEarly(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "a", strings.Repeat("x", 100<<10))
	made := backedUp(t, session)
	again, restored := open(t)
	broken := errors.New("broken")
	err := again.Restore(func(to io.Writer) error {
		_, _ = to.Write(made.Bytes()[:made.Len()/2])
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := again.Find("a"); err == nil {
		t.Error("half of it is there")
	}
	if left, err := os.ReadDir(restored); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRestore_RefusesNamesAndLinksThatLeadOut(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"upwards":      {{Name: "../secret", Typeflag: tar.TypeReg, Mode: 0o644}},
		"absolute":     {{Name: "/etc/x", Typeflag: tar.TypeReg, Mode: 0o644}},
		"through link": {{Name: "link", Linkname: "..", Typeflag: tar.TypeSymlink}, {Name: "link/secret", Typeflag: tar.TypeReg, Mode: 0o644}},
		"device":       {{Name: "null", Typeflag: tar.TypeChar}},
		"hard link":    {{Name: "a", Linkname: "../secret", Typeflag: tar.TypeLink}},
		"stage":        {{Name: stagePrefix + "x/", Typeflag: tar.TypeDir}},
	} {
		session, folder := open(t)
		var made bytes.Buffer
		out := tar.NewWriter(&made)
		for _, header := range headers {
			header.Uid, header.Gid = self.User, self.Group
			if err := out.WriteHeader(&header); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if err := session.Restore(stream(t, &made)); err == nil {
			t.Errorf("%s: restored", name)
		}
		if got := textOf(t, filepath.Dir(folder), "secret"); got != "not yours" {
			t.Errorf("%s: the file outside holds %q", name, got)
		}
		if left, _ := os.ReadDir(folder); len(left) != 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}
