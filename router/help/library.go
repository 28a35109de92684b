// Package help shows the guides of docs as pages that can be searched.
package help

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"berth/docs"
)

// Path is where the guides are in the admin app.
const Path = "/help"

// order is that of the contents list: what people need first. Guides that it does not name follow.
var order = []string{"https", "git", "webhooks", "cli", "import", "logs", "metrics", "alerts", "backups", "egress", "ports"}

// Library is every guide, in the order of the contents list. It never changes.
type Library struct {
	Guides []Guide
}

// Guide is one document as a page.
type Guide struct {
	Name     string // in its address
	Title    string
	HTML     template.HTML //nolint:forbidigo // goldmark made it of a document of this build, and leaves raw HTML out
	Sections []Section     // the first is what stands before the first heading, and has no ID
}

// Section is a heading with the text below it, as far as the next one.
type Section struct {
	ID, Title string
	Level     int // 1 for the title, 2 for a part
	Text      string
}

// Path is the address of the guide.
func (g Guide) Path() string { return Path + "/" + g.Name }

// Parts are the sections that the contents list of the guide names.
func (g Guide) Parts() []Section {
	return slices.DeleteFunc(slices.Clone(g.Sections), func(s Section) bool { return s.Level != 2 })
}

// Open reads the guides that are built in.
func Open() (*Library, error) { return read(docs.Guides) }

// File is a file that a guide links to.
func File(name string) ([]byte, error) { return fs.ReadFile(docs.Guides, name) } //nolint:wrapcheck // its error names the file

func read(folder fs.FS) (*Library, error) {
	files, err := fs.Glob(folder, "*.md")
	if err != nil {
		return nil, fmt.Errorf("list guides: %w", err)
	}
	library := new(Library)
	for _, file := range files {
		source, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("read guide: %w", err)
		}
		guide, err := newGuide(strings.TrimSuffix(file, path.Ext(file)), source, files)
		if err != nil {
			return nil, err
		}
		library.Guides = append(library.Guides, guide)
	}
	slices.SortStableFunc(library.Guides, func(a, b Guide) int { return place(a.Name) - place(b.Name) })
	return library, nil
}

func place(name string) int {
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}

// Find returns the guide of that name.
func (l *Library) Find(name string) (Guide, bool) {
	at := slices.IndexFunc(l.Guides, func(g Guide) bool { return g.Name == name })
	if at < 0 {
		return Guide{}, false
	}
	return l.Guides[at], true
}

// newGuide renders a document. Its first heading is the title of the page.
func newGuide(name string, source []byte, others []string) (Guide, error) {
	markdown := newMarkdown(others)
	document := markdown.Parser().Parse(text.NewReader(source))
	guide := Guide{Name: name, Title: name, Sections: sectionsOf(document, source)}
	if title, ok := document.FirstChild().(*ast.Heading); ok && title.Level == 1 {
		guide.Title = plainText(title, source)
		document.RemoveChild(document, title)
	}
	var page bytes.Buffer
	if err := markdown.Renderer().Render(&page, source, document); err != nil {
		return Guide{}, fmt.Errorf("render guide %s: %w", name, err)
	}
	guide.HTML = template.HTML(page.String()) //nolint:forbidigo,gosec // as above
	return guide, nil
}

func sectionsOf(document ast.Node, source []byte) []Section {
	sections := []Section{{Level: 1}}
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		current := &sections[len(sections)-1]
		heading, ok := node.(*ast.Heading)
		switch {
		case !ok:
			current.Text += plainText(node, source) + " "
		case heading.Level == 1:
			current.Title = plainText(heading, source)
		default:
			id, _ := heading.AttributeString("id")
			anchor, _ := id.([]byte)
			sections = append(sections, Section{ID: string(anchor), Title: plainText(heading, source), Level: heading.Level})
		}
	}
	return sections
}

// plainText is what a reader sees of a node, on one line.
func plainText(node ast.Node, source []byte) string {
	var words strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the visitor returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			words.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				words.WriteByte(' ')
			}
		case *ast.FencedCodeBlock:
			words.Write(n.Lines().Value(source))
		default:
			if n.Type() == ast.TypeBlock {
				words.WriteByte(' ') // cells and items are words of their own
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(words.String()), " ")
}
