package help

import (
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// newMarkdown renders guides: raw HTML is left out, headings have anchors, and nothing
// needs a style of its own, which the policy of the pages forbids.
func newMarkdown(guides []string) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(links{guides}, 100))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(commands{}, 100))),
	)
}

// links leads those between documents to the pages of the guides. A document that is no
// guide, as it is for those who change Berth, is named without a link.
type links struct {
	guides []string // names of their files
}

// Transform is part of parser.ASTTransformer.
func (l links) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	var found []*ast.Link
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the visitor returns no error
		if link, ok := n.(*ast.Link); ok && entering {
			found = append(found, link)
		}
		return ast.WalkContinue, nil
	})
	for _, link := range found {
		l.lead(link)
	}
}

func (l links) lead(link *ast.Link) {
	target := string(link.Destination)
	if strings.HasPrefix(target, "#") {
		return
	}
	if strings.Contains(target, "://") {
		link.SetAttributeString("rel", []byte("noopener noreferrer"))
		return
	}
	file, fragment, _ := strings.Cut(target, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	switch {
	case slices.Contains(l.guides, file):
		link.Destination = []byte(Path + "/" + strings.TrimSuffix(file, ".md") + fragment)
	case strings.HasSuffix(file, ".json") && !strings.Contains(file, "/"):
		link.Destination = []byte(Path + "/" + file)
	default:
		unwrap(link)
	}
}

// unwrap puts what a node holds in its place.
func unwrap(node ast.Node) {
	parent := node.Parent()
	for child := node.FirstChild(); child != nil; child = node.FirstChild() {
		parent.InsertBefore(parent, node, child)
	}
	parent.RemoveChild(parent, node)
}

// commands renders blocks of code with a button that copies them.
type commands struct{}

// RegisterFuncs is part of renderer.NodeRenderer.
func (c commands) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, c.render)
}

func (commands) render(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(`<div class="command"><pre>`) // a bufio.Writer keeps its error until it is flushed
		_, _ = w.Write(util.EscapeHTML(node.Lines().Value(source)))
		_, _ = w.WriteString(`</pre><button class="copy drop-script" type="button" data-copy>Copy<span class="unseen"> these lines</span></button></div>`)
	}
	return ast.WalkSkipChildren, nil
}
