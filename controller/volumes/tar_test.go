package volumes_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/problem"
	"berth/controller/volume"
)

// tarWith is a tar of one file, which belongs to whoever runs the test.
func tarWith(t *testing.T, name, content string) *bytes.Buffer {
	t.Helper()
	var made bytes.Buffer
	out := tar.NewWriter(&made)
	err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content)), Uid: os.Getuid(), Gid: os.Getgid()})
	if err == nil {
		_, err = out.Write([]byte(content))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return &made
}

func TestPutTar_FillsAVolumeOrReplacesOrMerges(t *testing.T) {
	h := newHouse(t, 0)
	if err := h.PutTar(t.Context(), "fresh", volume.Fill, tarWith(t, "a", "first")); err != nil {
		t.Fatal(err)
	}
	if err := h.PutTar(t.Context(), "fresh", volume.Fill, tarWith(t, "b", "second")); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("into a volume that holds something: %v", err)
	}
	if err := h.PutTar(t.Context(), "fresh", volume.Merge, tarWith(t, "b", "second")); err != nil {
		t.Fatal(err)
	}
	holds := func(names ...string) {
		t.Helper()
		found, err := os.ReadDir(h.keeper.Folder("fresh"))
		if err != nil || len(found) != len(names) {
			t.Errorf("it holds %v, %v", found, err)
		}
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(h.keeper.Folder("fresh"), name)); err != nil {
				t.Error(err)
			}
		}
	}
	holds("a", "b")
	if err := h.PutTar(t.Context(), "fresh", volume.Replace, tarWith(t, "c", "third")); err != nil {
		t.Fatal(err)
	}
	holds("c")
}

func TestPutTar_LeavesNoVolumeBehindWhereTheTarIsRefused(t *testing.T) {
	h := newHouse(t, 1<<20)
	for name, content := range map[string]string{"no tar": strings.Repeat("text", 512), "too large": tarWith(t, "large", strings.Repeat("x", 4<<20)).String()} {
		if err := h.PutTar(t.Context(), "fresh", volume.Fill, strings.NewReader(content)); problem.KindOf(err) != problem.KindInvalid && problem.KindOf(err) != problem.KindFull {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := h.Find(t.Context(), "fresh"); problem.KindOf(err) != problem.KindNotFound {
			t.Errorf("%s: the volume is there: %v", name, err)
		}
	}
}
