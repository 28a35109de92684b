package compose

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/interpolation"
)

// source is one compose file of the archive, checked and in the library's form.
type source struct {
	path string
	// folder is where its relative paths begin; empty means the archive's top.
	folder  string
	text    []byte
	root    *node
	checker *checker
	// whole is set for a file that is part of the app. Of another, services are taken one
	// by one, by extends.
	whole    bool
	included []*source
	// content is the file with its variables replaced, and with paths from the archive's
	// top. It holds the services as they are written, without what they extend.
	content map[string]any
	// extended are the services with what they extend.
	extended map[string]any
	// parents are the services that services extend; one without a source is refused.
	parents map[string]parent
}

// parent is a service that another one extends.
type parent struct {
	source  *source
	service string
}

// newSource parses a file, without a check of its keys.
func newSource(path, folder string, text []byte, r *reader) (*source, error) {
	root, err := r.parse(text)
	if err != nil {
		if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // only as parse itself returns it
			refusal.File = path
		}
		return nil, err
	}
	s := &source{path: path, folder: folder, text: text, root: root, checker: newChecker(path), content: map[string]any{}, parents: map[string]parent{}}
	return s, nil
}

// services returns the names of the file's own services, in its order.
func (s *source) services() []string {
	if services := s.root.fields["services"]; services != nil && services.isMapping() {
		return services.keys
	}
	return nil
}

func (s *source) serviceNode(name string) *node {
	if !slices.Contains(s.services(), name) {
		return nil
	}
	return s.root.fields["services"].fields[name]
}

// line returns the line of a key that was checked, or 0.
func (s *source) line(place string) int { return s.checker.lines[place] }

// interpolate replaces the variables of the whole file.
func (s *source) interpolate(o interpolation.Options) error {
	content, _ := s.root.value().(map[string]any)
	delete(content, "include")
	replaced, err := interpolation.Interpolate(content, o)
	if err != nil {
		return &sourceError{source: s, error: err}
	}
	s.content = replaced
	s.rebase(replaced)
	return nil
}

// interpolateService replaces the variables of one service of a file that is not part of
// the app as a whole.
func (s *source) interpolateService(name string, o interpolation.Options) error {
	own := map[string]any{"services": map[string]any{name: s.serviceNode(name).value()}}
	replaced, err := interpolation.Interpolate(own, o)
	if err != nil {
		return &sourceError{source: s, error: err}
	}
	s.rebase(replaced)
	own, _ = replaced["services"].(map[string]any)
	services, found := s.content["services"].(map[string]any)
	if !found {
		services = map[string]any{}
		s.content["services"] = services
	}
	services[name] = own[name]
	return nil
}

// written returns a service as the file has it; nil if it is no mapping or not there.
func (s *source) written(name string) map[string]any {
	services, _ := s.content["services"].(map[string]any)
	service, _ := services[name].(map[string]any)
	return service
}

// sourceError are the library's errors in one file, joined by errors.Join or alone.
type sourceError struct {
	source *source
	error
}

// Unwrap returns the errors one by one.
func (e *sourceError) Unwrap() []error {
	if joined, ok := e.error.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{e.error}
}

// position is a place in a file of the archive.
type position struct {
	file string
	line int
}

// find returns where the file, or what a service of it extends, has a key.
func (s *source) find(path []string) (position, bool) {
	for range maxExtended + maxServices { // a circle is refused, and ends here
		if line, found := s.checker.lines[joinAll(path)]; found {
			return position{file: s.path, line: line}, true
		}
		if len(path) < 3 || path[0] != "services" {
			break
		}
		above, found := s.parents[path[1]]
		if !found || above.source == nil {
			break
		}
		s, path = above.source, slices.Concat([]string{"services", above.service}, path[2:])
	}
	return position{}, false
}
