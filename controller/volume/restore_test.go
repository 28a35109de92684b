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
	if err := again.Restore(RestoreOptions{}, stream(t, before)); err != nil {
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
	err := session.Restore(RestoreOptions{}, stream(t, backedUp(t, other)))
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
	err := again.Restore(RestoreOptions{}, func(to io.Writer) error {
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
		if err := session.Restore(RestoreOptions{}, stream(t, &made)); err == nil {
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

// tarOf is a tar of the entries, whose files hold their own names.
func tarOf(t *testing.T, headers ...*tar.Header) *bytes.Buffer {
	t.Helper()
	var made bytes.Buffer
	out := tar.NewWriter(&made)
	for _, header := range headers {
		if header.PAXRecords == nil && header.Typeflag == tar.TypeReg {
			header.Size = int64(len(header.Name))
		}
		header.Uid, header.Gid = self.User, self.Group
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, header.Name[:header.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return &made
}

func TestRestore_ReplacesAllThatIsThere(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "old/deep", "goes")
	place(t, folder, "same", "goes too")
	made := tarOf(t, &tar.Header{Name: "./same", Typeflag: tar.TypeReg, Mode: 0o600}, &tar.Header{Name: "new/below", Typeflag: tar.TypeReg, Mode: 0o644})
	if err := session.Restore(RestoreOptions{Way: Replace, Limit: 1 << 20}, stream(t, made)); err != nil {
		t.Fatal(err)
	}
	if textOf(t, folder, "same") != "./same" || textOf(t, folder, "new/below") != "new/below" {
		t.Error("the new files are not there")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 2 {
		t.Errorf("it holds %v, %v", left, err)
	}
}

func TestRestore_MergesWhatChangedAndRemovesWhatIsGone(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "data/kept", "as it is")
	place(t, folder, "data/changed", "before")
	place(t, folder, "data/gone", "x")
	place(t, folder, "kind/below", "a folder becomes a file")
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	made := tarOf(
		t, RemovedHeader("data/gone"), RemovedHeader("kind"), RemovedHeader("never/was"),
		&tar.Header{Name: "data/", Typeflag: tar.TypeDir, Mode: 0o750, ModTime: at},
		&tar.Header{Name: "data/changed", Typeflag: tar.TypeReg, Mode: 0o644},
		&tar.Header{Name: "kind", Typeflag: tar.TypeReg, Mode: 0o644},
	)
	if err := session.Restore(RestoreOptions{Way: Merge, Limit: 1 << 20}, stream(t, made)); err != nil {
		t.Fatal(err)
	}
	if got := textOf(t, folder, "data/kept") + textOf(t, folder, "data/changed") + textOf(t, folder, "kind"); got != "as it isdata/changedkind" {
		t.Errorf("it holds %q", got)
	}
	if _, err := os.Lstat(filepath.Join(folder, "data/gone")); err == nil {
		t.Error("what is gone is there")
	}
	if info, err := os.Stat(filepath.Join(folder, "data")); err != nil || info.Mode().Perm() != 0o750 || !info.ModTime().Equal(at) {
		t.Errorf("the folder is %v, %v", info, err)
	}
}

func TestRestore_SaysWhatIsWrongWithATarAndChangesNothing(t *testing.T) {
	whole := tarOf(t, &tar.Header{Name: "a", Typeflag: tar.TypeReg, Mode: 0o644}, &tar.Header{Name: strings.Repeat("b", 90), Typeflag: tar.TypeReg, Mode: 0o644})
	for name, made := range map[string]struct {
		tar   *bytes.Buffer
		limit int64
		code  Code
	}{
		"no tar":    {bytes.NewBufferString(strings.Repeat("text", 512)), 1 << 20, Invalid},
		"cut off":   {bytes.NewBuffer(whole.Bytes()[:1100]), 1 << 20, Invalid},
		"too large": {whole, 1024, TooLarge},
		"hard link": {tarOf(t, &tar.Header{Name: "a", Linkname: "b", Typeflag: tar.TypeLink}), 1 << 20, Invalid},
	} {
		session, folder := open(t)
		place(t, folder, "kept", "as it is")
		err := session.Restore(RestoreOptions{Way: Replace, Limit: made.limit}, stream(t, made.tar))
		if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Code != made.code {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 || textOf(t, folder, "kept") != "as it is" {
			t.Errorf("%s: it holds %v, %v", name, left, err)
		}
	}
}
