package router

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// oldWords are phrases that people did not understand when they saw them first.
// Each has a plain one in its place, such as "Can't be changed later." for the first.
var oldWords = regexp.MustCompile(strings.Join([]string{
	`\bIt stays\.`, `in Berth's output`, `password is not right`, `Berth goes on\b`, `(?i:present password)`, `password, once more`,
	`A password alone`, `\d+ in all\b`, `\bin all, \S+ running`, `waiting \(failed\)`, `Upload and look`, `(?i:image in place of an archive)`,
	`>in place of an archive`, `else what the image exposes`, `\bthe image's</span>`, `is a secret</label>`, `None of them is a secret`,
	`[Gg]ives? files away`, `\bsteps? down\b`, `\b[Ww]aivers?\b`, `\bWaived:`, `Database holds for`, `as a release of (its|their) own`,
	`nothing of it runs`, `shown to nobody`, `gets the new value`, `Berth replaces no`, `answer(ed)? well\b`, `no new release was needed`,
	`\bproven;`, `takes over the route`, `\b[Mm]end(ed|s)?\b`, `stands below`, `The app answers itself`, `With the first user`,
	`[Aa]sks? for (no|a) password`, `\bHolds for\b`, `Make the (token|volume)`, `Hosts are proven`, `, proven over port`, `(?i:take the mark off)`,
	`Nobody is asked`, `\b[Ff]or good\b`, `\b[Ff]or now\b`, `Chain (is )?whole`, `log is (not )?whole`, `\bin the way\b`, `There is no way back`,
	`(release|r\d+) is failed`, `\bMind [%A-Z]`, `\bmilkcrate\b`,
}, "|"))

// oldLabels are those that are wrong only where they stand alone.
var oldLabels = []string{"Requests", "In a", "At once", "Ends", "Made", "Chain", "At", "Waivers"}

func TestWords_NoPageSaysAnOldPhrase(t *testing.T) {
	t.Parallel()
	for _, page := range walk(t) {
		var text strings.Builder
		for n := range page.root.Descendants() {
			if n.Type == html.TextNode && n.Parent.Data != "code" && n.Parent.Data != "script" {
				text.WriteString(n.Data)
				if slices.Contains(oldLabels, strings.TrimSpace(n.Data)) && n.Parent.Data != "a" {
					t.Errorf("%s: a label says %q", page.path, strings.TrimSpace(n.Data))
				}
			}
			for _, name := range []string{"title", "placeholder", "alt", "aria-label", "value"} {
				text.WriteString(" " + attribute(n, name) + " ")
			}
		}
		plain := strings.Join(strings.Fields(text.String()), " ")
		for _, found := range oldWords.FindAllStringIndex(plain, -1) {
			t.Errorf("%s says %q", page.path, plain[max(0, found[0]-40):min(len(plain), found[1]+40)])
		}
	}
}

func TestFoot_OfEachPageNamesTheVersionOfBerth(t *testing.T) {
	t.Parallel()
	for _, page := range walk(t) {
		for n := range page.root.Descendants() {
			if n.Data == "footer" && n.FirstChild != nil && !strings.HasPrefix(strings.TrimSpace(n.FirstChild.FirstChild.Data), "Berth 0.1.0") {
				t.Errorf("%s: the foot says %q", page.path, n.FirstChild.FirstChild.Data)
			}
		}
	}
}

func TestWords_TheSettingsAreInTheGroupsThatPeopleLookFor(t *testing.T) {
	t.Parallel()
	var groups []string
	for _, group := range settingsGroups {
		groups = append(groups, group.Label)
	}
	if want := []string{"You", "Team", "Domains and HTTPS", "Security", "Server"}; !slices.Equal(groups, want) {
		t.Errorf("the groups are %q, want %q", groups, want)
	}
}

// TestWords_NoSourceSaysAnOldPhrase reads what no page of the walk may show: every
// message, page, command, script and document.
func TestWords_NoSourceSaysAnOldPhrase(t *testing.T) {
	t.Parallel()
	read := 0
	for _, folder := range []string{"router", "controller", "cmd", "traefik", "templates", "scripts", "docs", "examples", "README.md", "CONTRIBUTING.md", "Makefile"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				if err == nil && (entry.Name() == "vendor" || entry.Name() == "testdata") {
					return filepath.SkipDir
				}
				return err
			}
			for place, text := range said(t, path) {
				read++
				if found := oldWords.FindString(text); found != "" {
					t.Errorf("%s:%s says %q: %.200q", path, place, found, text)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 3000 {
		t.Errorf("read only %d texts", read)
	}
}

var (
	comments  = regexp.MustCompile(`(?s){{-? ?/\*.*?\*/ ?-?}}`)
	actions   = regexp.MustCompile(`{{.*?}}`)
	names     = regexp.MustCompile(` (class|id|for|name|href|action|sse-[a-z]*|aria-(labelledby|describedby))="[^"]*"`)
	codeSpans = regexp.MustCompile("`[^`]*`|\\bTest[A-Z]\\w*|\\bimport milkcrate /\\S+|\\binstance/milkcrate\\.sqlite\\b") // with what the importer is called and reads
	// keptNames are literals that are no words for people, but names that others wrote.
	keptNames = []string{"milkcrate", "milkcrate.main_service"}
)

// said are the texts of a file that a person can come to see, by where they stand.
func said(t *testing.T, path string) map[string]string {
	t.Helper()
	if strings.HasSuffix(path, ".go") {
		return literals(t, path)
	}
	if !slices.Contains([]string{".html", ".js", ".md", ".yml", ".sh", ""}, filepath.Ext(path)) {
		return nil
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for i, line := range strings.Split(comments.ReplaceAllString(string(source), ""), "\n") {
		switch filepath.Ext(path) {
		case ".html":
			line = names.ReplaceAllString(actions.ReplaceAllString(line, ""), "")
		case ".md":
			line = codeSpans.ReplaceAllString(line, "")
		default:
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "#") {
				continue
			}
		}
		texts[strconv.Itoa(i+1)] = line
	}
	return texts
}

// literals are the texts in a file of Go but those of tests and statements of SQL.
func literals(t *testing.T, path string) map[string]string {
	t.Helper()
	if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "store") {
		return nil
	}
	files := gotoken.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	ast.Inspect(parsed, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != gotoken.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(keptNames, text) && (strings.Contains(text, " ") || text == strings.ToUpper(text[:min(1, len(text))])+text[min(1, len(text)):]) {
			texts[files.Position(literal.Pos()).String()] = text
		}
		return true
	})
	return texts
}
