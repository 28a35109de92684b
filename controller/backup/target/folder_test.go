package target

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFolder_KeepsObjects(t *testing.T) {
	at := t.TempDir()
	folder, err := OpenFolder(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	for _, content := range []string{"one", "another"} {
		if err := folder.Put(t.Context(), "a/b/c", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(t.Context(), folder, "a/b/c", 7); err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := Read(t.Context(), folder, "a/b/c", 6); err == nil {
		t.Error("more than the limit was read")
	}
	if err := os.WriteFile(filepath.Join(at, "a/b", partial+"x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var found []Object
	if err := folder.List(t.Context(), "a/", func(o Object) error { found = append(found, o); return nil }); err != nil || len(found) != 1 || found[0] != (Object{"a/b/c", 7}) {
		t.Errorf("listed %v, %v", found, err)
	}
	if err := errors.Join(folder.Remove(t.Context(), "a/b/c"), folder.Remove(t.Context(), "a/b/c")); err != nil {
		t.Error(err)
	}
	if _, err := folder.Get(t.Context(), "a/b/c"); !errors.Is(err, ErrMissing) {
		t.Errorf("after its removal: %v", err)
	}
}

func TestFolder_RefusesNamesAndLinksThatLeadOut(t *testing.T) {
	at, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(at, "link")); err != nil {
		t.Fatal(err)
	}
	folder, err := OpenFolder(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	for _, name := range []string{"../x", "link/x", "/x"} {
		if err := folder.Put(t.Context(), name, []byte("x")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("outside: %v", left)
	}
}

func TestFolder_DoesNotMakeAFolderThatIsMissing(t *testing.T) {
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "not mounted")); err == nil {
		t.Error("it was opened")
	}
}
