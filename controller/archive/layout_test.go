package archive

import (
	"bytes"
	"slices"
	"testing"
)

func TestWriteContext_SendsOneFolderAsTheTop(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "web/Dockerfile", text: "x"}, item{name: "web/src/a", text: "x"}, item{name: "web/secret", text: "x"}, item{name: "webber/b", text: "x"}, item{name: "other/c", text: "x"}))
	layout := Layout{Folder: "web", Keep: func(e Entry) bool { return e.Path != "secret" }}
	if got, want := contextNames(t, tree, layout), []string{"src/", "Dockerfile", "src/a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteContext_LetsNoEntryStandWhereAnExtraFileDoes(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "other", text: "x"}, item{name: "web/.berth/Dockerfile", text: "forged"}, item{name: "web/.berth/more", text: "x"}, item{name: "web/a", text: "x"}))
	layout := Layout{Folder: "web", Extras: []Extra{{Path: ".berth/Dockerfile", Text: "FROM scratch"}}}
	if got, want := contextNames(t, tree, layout), []string{".berth/", ".berth/Dockerfile", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func contextNames(t *testing.T, tree *Tree, layout Layout) []string {
	t.Helper()
	var out bytes.Buffer
	if err := tree.WriteContext(t.Context(), &out, layout); err != nil {
		t.Fatal(err)
	}
	headers, _ := readTar(t, out.Bytes())
	var names []string
	for _, header := range headers {
		names = append(names, header.Name)
	}
	return names
}
