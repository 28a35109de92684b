package recipe

import (
	"fmt"
	"slices"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/problem/problemtest"
)

// kept writes the Dockerfile of a project, and returns the files that its build gets.
func kept(t *testing.T, files ...string) []string {
	t.Helper()
	tree := archivetest.Tree(t, files...)
	_, keep, err := Write(t.Context(), tree, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, entry := range tree.Entries() {
		if keep(entry) {
			paths = append(paths, entry.Path)
		}
	}
	return paths
}

func TestProject_LeavesOutWhatBelongsIntoNoImage(t *testing.T) {
	files := []string{
		"index.html", "", ".git/config", "", ".env", "", ".env.local", "", ".env.example", "", "a/node_modules/b.js", "", "a/__pycache__/b.pyc", "",
		"venv/x", "", ".dockerignore", "*.bak\n!venv\n", "a/b.bak", "", "b.bak", "", ".berth/Dockerfile", "FROM evil", ".berthed", "",
	}
	got := kept(t, files...)
	if want := []string{".berthed", ".env.example", "a", "a/b.bak", "index.html", "venv", "venv/x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProject_RefusesDockerignoreThatCannotBeRead(t *testing.T) {
	_, _, err := Write(t.Context(), archivetest.Tree(t, "index.html", "", ".dockerignore", "# ours\n[a"), Options{})
	problemtest.MustRefuse(t, err, ".dockerignore", 2, "[a cannot be read")
}

func TestProject_ReadsDockerignoreThatBeginsWithAByteOrderMark(t *testing.T) {
	files := []string{"index.html", "", "key", "", ".dockerignore", "\ufeffkey"}
	if got := kept(t, files...); !slices.Equal(got, []string{"index.html"}) {
		t.Errorf("got %q", got)
	}
}

func TestProject_RefusesTextThatIsNotUTF8(t *testing.T) {
	_, _, err := Write(t.Context(), archivetest.Tree(t, "package.json", "{\"main\": \"caf\xe9.js\"}"), Options{})
	problemtest.MustRefuse(t, err, "package.json", 0, "not text in UTF-8")
}

func TestProject_ReadsABoundedNumberOfFiles(t *testing.T) {
	files := []string{"go.mod", "module a"}
	for i := range aheadFiles + deepReads + 1 {
		files = append(files, fmt.Sprintf("p%d/a.go", i), "package a")
	}
	_, _, err := Write(t.Context(), archivetest.Tree(t, files...), Options{})
	problemtest.MustRefuse(t, err, "", 0, "too many files")
}
