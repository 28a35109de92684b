// Package templates holds the admin app's pages and static files, each parsed once.
package templates

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed layout/*.html pages/*.html
var sources embed.FS

//go:embed all:static
var static embed.FS

// Set is every page and every static file, ready to be served. It is safe for
// concurrent use.
type Set struct {
	pages map[string]func() (*template.Template, error) // by file name without .html
	names map[string]string                             // served name by source name, such as app.css
	files map[string]File                               // by served name
}

// File is a static file as it is served.
type File struct {
	Type    string // of its content
	Content []byte
}

// contentTypes are the kinds of static files there are; anything else is not served.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// hashLength is how many hex digits of a file's SHA-256 its served name carries.
const hashLength = 12

// Open parses the layout and hashes the static files. A page is parsed when it is first
// shown: all of them together would be a third of what Berth keeps in memory.
func Open() (*Set, error) {
	s := &Set{
		pages: make(map[string]func() (*template.Template, error)),
		names: make(map[string]string),
		files: make(map[string]File),
	}
	if err := s.loadStatic(); err != nil {
		return nil, err
	}
	if err := s.listPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// Page writes the named page, such as "dashboard", with its layout.
func (s *Set) Page(w io.Writer, page string, data any) error {
	return s.Fragment(w, page, "layout", data)
}

// Fragment writes one template that the file of the page defines.
func (s *Set) Fragment(w io.Writer, page, name string, data any) error {
	parse, ok := s.pages[page]
	if !ok {
		return fmt.Errorf("no page %q", page)
	}
	parsed, err := parse()
	if err != nil {
		return err
	}
	return parsed.ExecuteTemplate(w, name, data)
}

// Part is HTML that a page may hold as it is, because a template of this package
// made it and escaped what it was given. Only Set.Part makes one.
type Part = template.HTML //nolint:forbidigo // the one place

// Part renders one template of a page, so that it can be kept and put into a page later.
func (s *Set) Part(page, name string, data any) (Part, error) {
	var text strings.Builder
	if err := s.Fragment(&text, page, name, data); err != nil {
		return "", err
	}
	return Part(text.String()), nil
}

// File returns the static file of a served name.
func (s *Set) File(name string) (File, bool) {
	file, ok := s.files[name]
	return file, ok
}

// Asset returns the path of a static file under the name that carries its hash.
func (s *Set) Asset(source string) (string, error) {
	name, ok := s.names[source]
	if !ok {
		return "", fmt.Errorf("no static file %q", source)
	}
	return "/static/" + name, nil
}

func (s *Set) loadStatic() error {
	return fs.WalkDir(static, "static", func(file string, entry fs.DirEntry, err error) error {
		kind, served := contentTypes[path.Ext(file)]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		content, err := static.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read static file: %w", err)
		}
		source := strings.TrimPrefix(file, "static/")
		s.names[source] = hashedName(source, content)
		s.files[s.names[source]] = File{Type: kind, Content: content}
		return nil
	})
}

func hashedName(source string, content []byte) string {
	sum := sha256.Sum256(content)
	extension := path.Ext(source)
	return strings.TrimSuffix(source, extension) + "-" + hex.EncodeToString(sum[:])[:hashLength] + extension
}

func (s *Set) listPages() error {
	layout, err := template.New("").Funcs(s.functions()).ParseFS(sources, "layout/*.html")
	if err != nil {
		return fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(sources, "pages/*.html")
	if err != nil {
		return fmt.Errorf("list pages: %w", err)
	}
	for _, file := range files {
		s.pages[strings.TrimSuffix(path.Base(file), ".html")] = sync.OnceValues(func() (*template.Template, error) {
			page, err := layout.Clone()
			if err == nil {
				page, err = page.ParseFS(sources, file)
			}
			if err != nil {
				return nil, fmt.Errorf("parse %s: %w", file, err)
			}
			return page, nil
		})
	}
	return nil
}
