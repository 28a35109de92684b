package compose

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxNested is how deep files may include one another.
const maxNested = 8

// include reads the files that a file includes, and those that they include. open are
// the files that led to this one, itself the last.
func (l *loading) include(s *source, open []*source) {
	list := s.root.fields["include"]
	if list == nil {
		return
	}
	if !list.list {
		l.miss(&Refusal{File: s.path, Line: s.line("include"), Reason: "What include holds is no list.", Hint: "Write each file below include, after a hyphen."})
		return
	}
	var groups [][]*source
	for i, item := range list.items {
		groups = append(groups, l.includeItem(s, item, "include."+strconv.Itoa(i), open))
	}
	l.checkConflicts(s, groups)
}

// includeItem reads the files of one item. The later ones change the earlier ones.
func (l *loading) includeItem(s *source, item *node, place string, open []*source) []*source {
	files, line := []*node{item}, s.line(place)
	folder, refusal := s.projectFolder(item, line)
	if item.isMapping() {
		files = nil
		if named := item.fields["path"]; named != nil && named.list {
			files = named.items
		} else if named != nil {
			files = []*node{named}
		}
	}
	if refusal == nil && len(files) == 0 {
		refusal = &Refusal{File: s.path, Line: line, Reason: "An item of include names no file.", Hint: "Write the path of a compose file of the archive."}
	}
	if refusal != nil {
		l.miss(refusal)
		return nil
	}
	var group []*source
	for _, file := range files {
		if folder == "" {
			inArchive, _ := within(s.folder, file.text)
			folder = orDot(path.Dir(inArchive))
		}
		included, refusal := l.openIn(s, "include", file.text, file.line, folder)
		switch {
		case refusal != nil:
		case slices.ContainsFunc(open, func(s *source) bool { return s.path == included.path }):
			refusal = s.refuseReference("include", file.text, "includes itself", file.line)
			refusal.Hint = "Remove one of the two lines that lead in a circle."
		case len(open) > maxNested:
			refusal = s.refuseReference("include", file.text, fmt.Sprintf("is the end of more than %d files that include one another", maxNested), file.line)
		}
		if refusal != nil {
			l.miss(refusal)
			continue
		}
		group = append(group, included)
		s.included = append(s.included, included)
		l.take(included, append(slices.Clone(open), included))
	}
	return group
}

// projectFolder returns the folder that the paths of included files begin at; empty if
// that is the one of the first file.
func (s *source) projectFolder(item *node, line int) (string, *Refusal) {
	if !item.isMapping() || item.fields["project_directory"] == nil {
		return "", nil
	}
	text := item.fields["project_directory"].text
	folder, why := within(s.folder, text)
	if why != "" {
		return "", s.refuseReference("project_directory", text, why, line)
	}
	return orDot(folder), nil
}

func orDot(folder string) string {
	if folder == "" {
		return "."
	}
	return folder
}

// The kinds of what a file defines by name.
var definedKinds = []string{"services", "volumes", "networks", "configs", "secrets"}

// defined is the place where a name was defined first, and its value.
type defined struct {
	*source
	line  int
	value any
}

// checkConflicts refuses a name that a file and one that it includes, or two that it
// includes, define in two ways.
func (l *loading) checkConflicts(s *source, groups [][]*source) {
	names := s.definitions()
	for _, group := range groups {
		of := map[string]defined{}
		for _, included := range group {
			for _, one := range included.withIncluded(nil) {
				for place, definition := range one.definitions() {
					of[place] = definition
				}
			}
		}
		for place, definition := range of {
			l.define(names, place, definition)
		}
	}
}

func (l *loading) define(names map[string]defined, place string, d defined) {
	first, found := names[place]
	if !found {
		names[place] = d
		return
	}
	same := reflect.DeepEqual(first.value, d.value) && (first.folder == d.folder || d.value == nil)
	if first.source == d.source || same && !strings.HasPrefix(place, "services.") {
		return
	}
	l.faults = append(l.faults, &Refusal{
		File: d.path, Line: d.line, Reason: fmt.Sprintf("%.120s is there twice: also in %.120s, line %d.", place, first.path, first.line),
		Hint: "Give one of the two another name, or remove it; a service that adds to another one extends it.",
	})
}

// definitions returns what the file itself defines, by kind and name.
func (s *source) definitions() map[string]defined {
	all := map[string]defined{}
	for _, kind := range definedKinds {
		mapping := s.root.fields[kind]
		if mapping == nil || !mapping.isMapping() {
			continue
		}
		for name, value := range mapping.fields {
			all[join(kind, name)] = defined{source: s, line: mapping.lines[name], value: value.value()}
		}
	}
	return all
}

// withIncluded returns the file and all that it includes, each once.
func (s *source) withIncluded(known []*source) []*source {
	if slices.Contains(known, s) {
		return known
	}
	known = append(known, s)
	for _, included := range s.included {
		known = included.withIncluded(known)
	}
	return known
}
