package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parsedIgnore(tb testing.TB, lines ...string) *Ignore {
	tb.Helper()
	ignore, err := ParseIgnore([]byte(strings.Join(lines, "\n")))
	if err != nil {
		tb.Fatal(err)
	}
	return ignore
}

func TestIgnore_DecidesAsBuildKitDoes(t *testing.T) {
	tree := opened(t, zipOf(t,
		item{name: ".dockerignore"}, item{name: "Dockerfile"}, item{name: ".env"}, item{name: "main.go"}, item{name: "main_test.go"},
		item{name: "node_modules/a/index.js"}, item{name: "node_modules/keep/index.js"},
		item{name: "web/node_modules/b.js"}, item{name: "web/app.js"}, item{name: "web/app.md"}, item{name: "README.md"},
	))
	all := paths(tree)
	without := func(gone ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(path string) bool { return slices.Contains(gone, path) })
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"nothing", nil, all},
		{"comments and blanks", []string{"# node_modules", "", "  "}, all},
		{"a folder at the top alone", []string{"node_modules"}, without("node_modules", "node_modules/a", "node_modules/a/index.js", "node_modules/keep", "node_modules/keep/index.js")},
		{"a folder with a slash", []string{"/web/"}, without("web", "web/node_modules", "web/node_modules/b.js", "web/app.js", "web/app.md")},
		{"at any depth", []string{"**/*.md"}, without("README.md", "web/app.md")},
		{"one level", []string{"*.md"}, without("README.md")},
		{"one character", []string{"main.g?", "?EADME.md"}, without("main.go", "README.md")},
		{"an exception", []string{"*.md", "!README.md"}, all},
		{"the last match wins", []string{"!README.md", "*.md"}, without("README.md")},
		{"an exception inside a folder", []string{"node_modules", "!node_modules/keep"}, without("node_modules", "node_modules/a", "node_modules/a/index.js")},
		{"everything but", []string{"*", "!main.go"}, []string{".dockerignore", "Dockerfile", "main.go"}},
		{"the files that are needed", []string{"Dockerfile", ".dockerignore", ".env"}, without(".env")},
	} {
		t.Run(c.name, func(t *testing.T) {
			ignore := parsedIgnore(t, c.lines...)
			var got []string
			for _, entry := range tree.Entries() {
				if ignore.Keep(entry) {
					got = append(got, entry.Path)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			// Asked in any order the answer is the same.
			backwards := parsedIgnore(t, c.lines...)
			for _, entry := range slices.Backward(tree.Entries()) {
				if backwards.Keep(entry) != slices.Contains(c.want, entry.Path) {
					t.Errorf("%s differs when asked first", entry.Path)
				}
			}
		})
	}
}

func TestIgnore_ExceptionBringsItsFoldersIntoTheTar(t *testing.T) {
	tree := opened(t, zipOf(t, item{name: "Dockerfile"}, item{name: "data/a"}, item{name: "data/keep/b"}))
	headers, _ := readTar(t, tarOf(t, tree, parsedIgnore(t, "data", "!data/keep/b").Keep))
	var got []string
	for _, h := range headers {
		got = append(got, h.Name)
	}
	if want := []string{"data/", "data/keep/", "Dockerfile", "data/keep/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIgnore_NilKeepsEverything(t *testing.T) {
	var ignore *Ignore
	if !ignore.Keep(Entry{Path: "a"}) {
		t.Error("a is not kept")
	}
}

func TestIgnore_RefusesPatternsThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ text, reason string }{
		{"a\n[b", "[b cannot be read"},
		{"!", "! cannot be read"},
		{"![", "![ cannot be read"},
		{"a\n\xff", "not text in UTF-8"},
		{"a\x00", "not text in UTF-8"},
		{strings.Repeat("a\n", 40000), "larger than 64 KB"},
		{strings.Repeat("a\n", 1001), "more than 1000 patterns"},
	} {
		t.Run(fmt.Sprintf("%.10q", c.text), func(t *testing.T) {
			_, err := ParseIgnore([]byte(c.text))
			mustRefuse(t, err, ".dockerignore", c.reason)
		})
	}
}

func TestIgnore_RefusesWhatTakesTooLongToMatch(t *testing.T) {
	for _, c := range []struct{ pattern, reason string }{
		{strings.Repeat("*a", 17) + "b", "more than 16 wildcards"},
		{"!" + strings.Repeat("**/", 9) + "b", "more than 16 wildcards"},
		{strings.Repeat("?", 17), "more than 16 wildcards"},
		{strings.Repeat("[ab]", 17), "more than 16 wildcards"},
		{strings.Repeat("a", 1025), "longer than 1024 bytes"},
	} {
		_, err := ParseIgnore([]byte("\ufeff# first\n\nnode_modules\n  \n /" + c.pattern + "\n*.md"))
		mustRefuse(t, err, ".dockerignore", c.reason)
		if !strings.Contains(err.Error(), ".dockerignore, line 5: ") {
			t.Errorf("%.20s: the line is missing in %q", c.pattern, err)
		}
	}
	parsedIgnore(t, strings.Repeat("*a", 16)+"b", "**/[Bb]in/**/*.py[cod]", strings.Repeat("a", 1024))
}

func TestIgnore_WalksIntoExcludedFolderOnlyForAnException(t *testing.T) {
	for _, c := range []struct {
		directory, exception string
		want                 bool
	}{
		{"data", "", true},
		{"data", "!data/keep", false},
		{"data", "!datum/keep", true},
		{"data", "!**/keep", false},
		{"data/x", "!data/*/keep", false},
		{"other", "!data/*/keep", true},
		{"data", "!d*/keep", false},
		{"data/x", "!data/keep", true},
	} {
		if got := parsedIgnore(t, "*", c.exception).prunes(c.directory); got != c.want {
			t.Errorf("%s with %q: got %v", c.directory, c.exception, got)
		}
	}
}
