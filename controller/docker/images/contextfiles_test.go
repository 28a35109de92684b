package images

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/tonistiigi/fsutil"
)

func TestContextFiles_WalksInTheOrderThatTheBuilderChecks(t *testing.T) {
	files := &contextFiles{files: fstest.MapFS{"a/b/c": {}, "a/link": {Mode: fs.ModeSymlink, Data: []byte("b/c")}, "a-b": {}, "a.txt": {}, "Dockerfile": {}}}
	for target, want := range map[string][]string{
		"/":      {"Dockerfile", "a", "a/b", "a/b/c", "a/link", "a-b", "a.txt"},
		"":       {"Dockerfile", "a", "a/b", "a/b/c", "a/link", "a-b", "a.txt"},
		"a/b":    {"a/b", "a/b/c"},
		"a/link": {"a/link"},
		"a.txt":  {"a.txt"},
	} {
		var got []string
		if err := files.Walk(t.Context(), target, func(path string, _ fs.DirEntry, err error) error {
			got = append(got, path)
			return err
		}); err != nil {
			t.Errorf("%q: %v", target, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", target, got, want)
		}
		if !slices.IsSortedFunc(got, fsutil.ComparePath) {
			t.Errorf("%q: %q is not in the builder's order", target, got)
		}
	}
	if err := files.Walk(t.Context(), "none", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for what is not there", err)
	}
}

func TestContextFiles_FollowsLinksAsTheBuilderAsks(t *testing.T) {
	files := &contextFiles{files: fstest.MapFS{"link": {Mode: fs.ModeSymlink, Data: []byte("real")}, "real/a": {}, "other": {}}}
	got, err := fsutil.FollowLinks(files, []string{"link/a", "oth*"})
	if want := []string{"link", "oth*", "real/a"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestContextFiles_KeepsTheErrorOfReadingAndStopsTheBuild(t *testing.T) {
	broken := errors.New("broken")
	stopped := 0
	files := &contextFiles{files: failing{broken}, stop: func() { stopped++ }}
	file, err := files.Open("a")
	if err != nil {
		t.Fatalf("a file that cannot be opened would be sent as an empty one: %v", err)
	}
	defer file.Close()
	if _, err := io.ReadAll(file); !errors.Is(err, broken) {
		t.Errorf("reading gave %v", err)
	}
	if err := files.failure(); !errors.Is(err, broken) || stopped != 1 {
		t.Errorf("kept %v, stopped the build %d times", err, stopped)
	}
}

// failing is a file system that cannot be read.
type failing struct{ err error }

// Open implements fs.FS.
func (f failing) Open(string) (fs.File, error) { return nil, f.err }
