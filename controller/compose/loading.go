package compose

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"berth/controller/problem"
)

// maxFiles is how many files one app reads beside its first.
const maxFiles = 20

// loading reads the files of one app.
type loading struct {
	options Options
	names   *variables
	reader  *reader
	// sources are all files that were read, in the order of reading.
	sources []*source
	// mains are the file and those that change it, and order all files that hold the
	// app's services, the included ones before the file that includes them.
	mains, order []*source
	faults       problem.Refusals
	removed      []string // places of keys that lack a file
	partial      bool     // a file is missing, so anything may be
	failed       error    // what Open returned, if the archive is not at fault
	extended     int
	copied       int
}

func newLoading(o Options) *loading {
	return &loading{options: o, names: newVariables(o.Variables), reader: &reader{}}
}

// readAll parses and checks the given files and all that they include. It returns an error
// if there is nothing to go on with.
func (l *loading) readAll(text []byte) error {
	folder := path.Dir(l.options.Path)
	for _, file := range append([]Other{{Path: l.options.Path, Text: text}}, l.options.Others...) {
		s, err := newSource(file.Path, cleanFolder(folder), file.Text, l.reader)
		if err != nil {
			return err
		}
		l.sources, l.mains = append(l.sources, s), append(l.mains, s)
	}
	for _, s := range l.mains {
		l.take(s, []*source{s})
	}
	if l.failed != nil {
		return l.failed
	}
	first := l.mains[0]
	switch count := len(l.services()); {
	case count == 0 && !l.partial:
		return &Refusal{File: first.path, Line: first.root.line, Reason: "The compose file has no services.", Hint: "Write the app's services under the key \"services\"."}
	case count > maxServices:
		refusal := &Refusal{File: first.path, Line: first.root.line, Reason: fmt.Sprintf("The compose file has more than %d services.", maxServices), Hint: "Divide it into several apps."}
		if services := first.root.fields["services"]; services != nil {
			refusal.Line = services.line
		}
		return refusal
	default:
		return nil
	}
}

func cleanFolder(folder string) string {
	if folder == "." {
		return ""
	}
	return folder
}

// take checks a file that is part of the app, after those that it includes. open are the
// files that led to it, itself the last.
func (l *loading) take(s *source, open []*source) {
	if s.whole {
		return
	}
	s.whole = true
	s.checker.noted = len(l.sources) > 1 && s != l.sources[0]
	s.checker.walk(s.root, "", "")
	l.include(s, open)
	l.order = append(l.order, s)
}

// open reads a file that extends names. Its own paths begin at its own folder.
func (l *loading) open(from *source, key, text string, line int) (*source, *Refusal) {
	return l.openIn(from, key, text, line, "")
}

// openIn reads a file whose paths begin at folder; empty means at the file's own.
func (l *loading) openIn(from *source, key, text string, line int, folder string) (*source, *Refusal) {
	inArchive, why := within(from.folder, text)
	if why != "" {
		return nil, from.refuseReference(key, text, why, line)
	}
	if folder == "" {
		folder = path.Dir(inArchive)
	}
	folder = cleanFolder(folder)
	for _, known := range l.sources {
		if known.path == inArchive && known.folder == folder {
			return known, nil
		}
	}
	if len(l.sources)-len(l.mains) >= maxFiles {
		return nil, &Refusal{File: from.path, Line: line, Reason: fmt.Sprintf("The app reads more than %d other compose files.", maxFiles), Hint: "Write them into fewer files."}
	}
	if l.options.Open == nil {
		return nil, from.refuseReference(key, text, "cannot be read here", line)
	}
	content, err := l.options.Open(inArchive)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return nil, from.refuseReference(key, text, "cannot be read: "+asPart(refusal.Reason), line)
	}
	if err != nil {
		l.failed = err
		return nil, from.refuseReference(key, text, "cannot be read", line)
	}
	s, err := newSource(inArchive, folder, content, l.reader)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return nil, refusal
	}
	l.sources = append(l.sources, s)
	s.checker.noted = true
	return s, nil
}

// asPart makes a sentence the end of another one.
func asPart(sentence string) string {
	return strings.ToLower(sentence[:min(len(sentence), 1)]) + strings.TrimRight(sentence[min(len(sentence), 1):], ".")
}

// miss records that an included file is missing, on which any part may depend.
func (l *loading) miss(refusal *Refusal) {
	l.faults, l.partial = append(l.faults, refusal), true
}

// expand replaces the variables of all files, and resolves extends.
func (l *loading) expand() (err error) {
	defer mistyped(&err)
	var faults []error
	for _, s := range l.order {
		if err := s.interpolate(l.interpolation()); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	for _, s := range l.order {
		if err := l.extend(s); err != nil {
			return err
		}
	}
	l.defaultContexts()
	return nil
}

// defaultContexts gives builds the folder of the file that asks for them first.
func (l *loading) defaultContexts() {
	built := map[string]bool{}
	for _, s := range l.order {
		for name, service := range s.extended {
			fields, _ := service.(map[string]any)
			if fields["build"] != nil && !built[name] {
				built[name] = true
				s.defaultContext(fields)
			}
		}
	}
}

// services returns the names of all services: those of the given files first.
func (l *loading) services() []string {
	var names []string
	for _, s := range slices.Concat(l.mains, l.order) {
		for _, name := range s.services() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func (l *loading) notes() []string {
	var notes []string
	for _, s := range l.sources {
		notes = append(notes, s.checker.notes...)
	}
	return notes
}

func (l *loading) missing(whole bool) []Missing {
	var all []Missing
	for _, s := range l.sources {
		all = l.names.missingIn(s, whole || !s.whole, all)
	}
	return all
}

func (l *loading) paths() []string {
	var paths []string
	for _, s := range l.sources {
		paths = append(paths, s.path)
	}
	return paths
}

// removedPlaces returns the places that lack a key or a file; one that is empty stands for
// all of them.
func (l *loading) removedPlaces() []string {
	removed := l.removed
	if l.partial {
		removed = append(removed, "")
	}
	for _, s := range l.sources {
		removed = append(removed, s.checker.removed...)
	}
	return removed
}

func (l *loading) allFaults() error {
	for _, s := range l.sources {
		l.faults = append(l.faults, s.checker.faults...)
	}
	return l.faults.Err()
}
