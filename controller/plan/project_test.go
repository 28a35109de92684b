package plan

import (
	"fmt"
	"slices"
	"testing"
)

func TestProject_LeavesOutWhatBelongsIntoNoImage(t *testing.T) {
	files := []string{
		"index.html", "", ".git/config", "", ".env", "", ".env.local", "", ".env.example", "", "a/node_modules/b.js", "", "a/__pycache__/b.pyc", "",
		"venv/x", "", ".dockerignore", "*.bak\n!venv\n", "a/b.bak", "", "b.bak", "", ".berth/Dockerfile", "FROM evil", ".berthed", "",
	}
	got := kept(treeOf(t, files...), planned(t, files...))
	if want := []string{".berthed", ".env.example", "a", "a/b.bak", "index.html", "venv", "venv/x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProject_RefusesDockerignoreThatCannotBeRead(t *testing.T) {
	_, err := From(t.Context(), treeOf(t, "index.html", "", ".dockerignore", "# ours\n[a"), options)
	mustRefuse(t, err, ".dockerignore", 2, "[a cannot be read")
}

func TestProject_ReadsDockerignoreThatBeginsWithAByteOrderMark(t *testing.T) {
	files := []string{"index.html", "", "key", "", ".dockerignore", "\ufeffkey"}
	if got := kept(treeOf(t, files...), planned(t, files...)); !slices.Equal(got, []string{"index.html"}) {
		t.Errorf("got %q", got)
	}
}

func TestProject_RefusesTextThatIsNotUTF8(t *testing.T) {
	_, err := From(t.Context(), treeOf(t, "package.json", "{\"main\": \"caf\xe9.js\"}"), options)
	mustRefuse(t, err, "package.json", 0, "not text in UTF-8")
}

func TestProject_ReadsABoundedNumberOfFiles(t *testing.T) {
	files := []string{"go.mod", "module a"}
	for i := range aheadFiles + deepReads + 1 {
		files = append(files, fmt.Sprintf("p%d/a.go", i), "package a")
	}
	_, err := From(t.Context(), treeOf(t, files...), options)
	mustRefuse(t, err, "", 0, "too many files")
}

func TestLayout_HoldsTheGeneratedFilesBesideTheArchives(t *testing.T) {
	build := planned(t, "index.html", "").Services[0].Build
	layout := build.Layout()
	if layout.Below != "site" || len(layout.Extras) != 2 || layout.Extras[0].Path != build.Dockerfile || layout.Extras[0].Text != build.Generated.Dockerfile {
		t.Errorf("got %+v", layout)
	}
	plain := planned(t, "Dockerfile", "FROM scratch").Services[0].Build.Layout()
	if plain.Below != "" || len(plain.Extras) != 0 || plain.Keep == nil {
		t.Errorf("got %+v", plain)
	}
}
