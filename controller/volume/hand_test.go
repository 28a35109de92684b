package volume

import (
	"os"
	"path/filepath"
	"testing"
)

func ignore(int64) {}

func TestSession_HandsOverWhatBelongsToTheFormerOwnerAndNoMore(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	session, folder := open(t)
	former, third, owner := Owner{User: 65534, Group: 65534}, Owner{User: 777, Group: 777}, Owner{User: 1000, Group: 1001}
	place(t, folder, "deep/file", "x")
	place(t, folder, "theirs", "y")
	link(t, folder, "out", "../secret")
	link(t, folder, "folder-out", "..")
	for path, owner := range map[string]Owner{".": former, "deep": former, "deep/file": former, "out": former, "folder-out": former, "theirs": third} {
		if err := os.Lchown(filepath.Join(folder, path), owner.User, owner.Group); err != nil {
			t.Fatal(err)
		}
	}
	outside, err := os.Lstat(filepath.Join(folder, "../secret"))
	if err != nil {
		t.Fatal(err)
	}
	before := describe(outside).Owner

	handed, err := session.HandOver(owner, ignore)
	if err != nil || handed.From != former || handed.Entries != 4 {
		t.Errorf("got %+v, %v", handed, err)
	}
	for path, want := range map[Path]Owner{"": owner, "deep": owner, "deep/file": owner, "out": owner, "folder-out": owner, "theirs": third} {
		if entry, err := session.Find(path); err != nil || entry.Owner != want {
			t.Errorf("%q belongs to %+v, want %+v, %v", path, entry.Owner, want, err)
		}
	}
	if outside, err = os.Lstat(filepath.Join(folder, "../secret")); err != nil || describe(outside).Owner != before {
		t.Errorf("a file outside was given away: %+v, %v", describe(outside).Owner, err)
	}
	if again, err := session.HandOver(owner, ignore); err != nil || again.Entries != 0 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
}

func TestSession_HandOverThatWasCutShortGoesOn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	session, folder := open(t)
	former, owner := Owner{User: 65534, Group: 65534}, Owner{User: 1000, Group: 1000}
	for _, path := range []string{"a", "b", "c"} {
		place(t, folder, path, "")
	}
	for path, owner := range map[string]Owner{".": former, "a": owner, "b": former, "c": former} {
		if err := os.Lchown(filepath.Join(folder, path), owner.User, owner.Group); err != nil {
			t.Fatal(err)
		}
	}
	if handed, err := session.HandOver(owner, ignore); err != nil || handed.Entries != 2 {
		t.Errorf("got %+v, %v", handed, err)
	}
	if entry, err := session.Find("c"); err != nil || entry.Owner != owner {
		t.Errorf("got %+v, %v", entry, err)
	}
}
