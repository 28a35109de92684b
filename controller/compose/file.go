// Package compose reads an untrusted compose file into a checked project: every key is supported, or refused with its line.
//
// The only input is the given bytes and variables: no environment of the process, no
// other file, no network. One parser reads the text. Its result, not the text, goes to
// the library that normalises it. So no two parsers can disagree about the checked file.
package compose

import (
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// ProjectName is the name of every loaded project; an app's own name replaces it
// everywhere.
const ProjectName = "app"

// Options are the input of a compose file beside its own text.
type Options struct {
	// Variables are the only values of ${NAME}.
	Variables map[string]string
	// Profiles are the profiles to start; services without a profile always start.
	Profiles []string
}

// File is a compose file after reading: each of its keys is supported, and anchors,
// extends, short forms, variables and profiles are resolved. The caller checks the
// values, with Line for the messages.
type File struct {
	Project *types.Project
	// Notes are whole sentences on keys that have no effect and were not refused.
	Notes []string
	// Unused are the variables that the file does not name, in order.
	Unused []string

	lines   map[string]int
	parents map[string]string // service -> the service that it extends
}

// Read reads a compose file. The error is a *Refusal.
func Read(text []byte, o Options) (*File, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	checker := newChecker()
	if err := checker.check(root); err != nil {
		return nil, err
	}
	file := &File{Notes: checker.notes, lines: checker.lines, parents: parentsOf(root)}
	names := newVariables(o.Variables)
	file.Project, err = load(root, o.Profiles, names)
	if err != nil {
		return nil, file.explain(err)
	}
	names.use(file.Project)
	file.Notes = append(file.Notes, names.notes()...)
	file.Unused = names.unused()
	return file, nil
}

// Line returns the line of the key at a path such as services, web, image. If the key
// came from an extended service, it is the line in that service. If the key is nowhere,
// it is the line of the nearest key above. An item of a list is given by its number.
func (f *File) Line(path ...string) int {
	for length := len(path); length > 0; length-- {
		if line := f.exactLine(path[:length]); line != 0 {
			return line
		}
	}
	return 0
}

// Has reports whether the file has the key at a path, directly or by extends.
func (f *File) Has(path ...string) bool { return f.exactLine(path) != 0 }

func (f *File) exactLine(path []string) int {
	place := append([]string(nil), path...)
	for range maxServices {
		if line, found := f.lines[strings.Join(place, ".")]; found {
			return line
		}
		if len(place) < 3 || place[0] != "services" || f.parents[place[1]] == "" {
			return 0
		}
		place[1] = f.parents[place[1]]
	}
	return 0
}

// explain rewrites an error of the library, which names the place by its path or by a
// service's name in quotes.
func (f *File) explain(err error) *Refusal {
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // only as load itself returns it
		return refusal
	}
	return refuse(f.lineIn(err.Error()), fmt.Sprintf("The compose file cannot be used: %s.", sentence(err.Error())), "Correct it and make the archive again.")
}

// lineIn finds the line of the first place that a message names.
func (f *File) lineIn(message string) int {
	for word := range strings.FieldsSeq(message) {
		word = strings.Trim(word, "\"'`,.:;()[]")
		for place := word; strings.Contains(place, "."); place = place[:strings.LastIndexByte(place, '.')] {
			if line := f.Line(strings.Split(place, ".")...); line != 0 {
				return line
			}
		}
		if line := f.lines["services."+word]; line != 0 {
			return line
		}
	}
	return 0
}

// sentence makes an error's text fit within a sentence.
func sentence(text string) string {
	const longest = 300
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	for _, noise := range []string{"validating " + FileName + ": ", ": invalid compose project"} {
		text = strings.ReplaceAll(text, noise, "")
	}
	return strings.TrimRight(text, ". ")
}
