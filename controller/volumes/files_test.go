package volumes_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/problem"
)

func TestVolumeFiles_UploadsCountAgainstTheQuota(t *testing.T) {
	h := newHouse(t, 1<<20)
	h.volume("data")
	files, err := h.Change(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	content := strings.Repeat("x", 600<<10)
	if err := files.Write("one", strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	err = files.Write("two", strings.NewReader(content))
	fault, _ := errors.AsType[*problem.Problem](err)
	if fault == nil || fault.Kind != problem.KindFull || fault.Field != "file" || !strings.Contains(fault.Message, "600 kB of 1 MB. There is no room for two") {
		t.Errorf("the second file: %v", err)
	}
	if _, err := files.Find("two"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("it is there: %v", err)
	}
	h.fill("data", "of the app", 1<<20)
	later, err := h.Change(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	if err := later.Write("three", strings.NewReader("x")); problem.KindOf(err) != problem.KindFull {
		t.Errorf("into a volume over its quota: %v", err)
	}
}

func TestVolumeFiles_UnpackRefusesWhatAnAppsArchiveIsRefusedFor(t *testing.T) {
	h := newHouse(t, 0)
	h.volume("data")
	files, err := h.Change(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	good := archivetest.Zip(t, map[string]string{"a/b.txt": "hello", "c.txt": "there"})
	if err := files.Unpack(t.Context(), "in", strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(h.keeper.Folder("data"), "in/a/b.txt")); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	for name, hostile := range map[string]string{
		"traversal": archivetest.Zip(t, map[string]string{"../secret": "mine"}), "no archive": "hello", "empty": "",
	} {
		err := files.Unpack(t.Context(), "bad", strings.NewReader(hostile))
		if problem, ok := errors.AsType[*problem.Problem](err); !ok || problem.Field != "file" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(h.keeper.Folder("data"), "bad")); err == nil {
		t.Error("a refused archive left something behind")
	}
	left, err := os.ReadDir(h.folder)
	if err != nil || len(left) > 0 {
		t.Errorf("left in uploads: %v, %v", left, err)
	}
}
