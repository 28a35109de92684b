// Package compose reads an untrusted compose file into a checked project: every key is supported, or refused with its line.
//
// The only input is the given bytes and variables: no environment of the process, no
// other file, no network. One parser reads the text. Its result, not the text, goes to
// the library that normalises it. So no two parsers can disagree about the checked file.
package compose

import (
	"fmt"
	"slices"
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
	Project *types.Project // nil if the file has no meaning without its missing variables
	// Notes are whole sentences on keys that have no effect and were not refused.
	Notes []string
	// Services are the names of all services, in the order of the file, and LeftOut are
	// those outside of the chosen profiles.
	Services, LeftOut []string
	// Missing are the variables that the file names and nobody set, with the line of the
	// first use.
	Missing []Missing
	// Unused are the variables that the file does not name, in order.
	Unused []string

	lines   map[string]int
	parents map[string]string // service -> the service that it extends
}

// Missing is a variable without a value.
type Missing struct {
	Name string
	Why  string // what the file says of it; may be empty
	Line int
}

// Read reads a compose file. The error holds every fault as a *Refusal. If the file is
// not nil then, it is the file without the faults, for the caller to look for more; its
// Project may be nil.
func Read(text []byte, o Options) (*File, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	checker := newChecker()
	if err := checker.check(root); err != nil {
		return nil, err
	}
	file := &File{Notes: checker.notes, lines: checker.lines, parents: parentsOf(root), Services: slices.Clone(root.fields["services"].keys)}
	names := newVariables(o.Variables)
	declareVolumes(root, names)
	file.Project, err = load(root, o.Profiles, names)
	file.Missing = names.missingIn(text, err == nil)
	if err != nil {
		if len(file.Missing) == 0 { // else the error may follow from that
			checker.faults = append(checker.faults, file.explain(err, checker.removed)...)
		}
		return file, checker.faults.Err()
	}
	names.use(file.Project)
	file.Unused = names.unused()
	for _, name := range file.Services {
		if _, enabled := file.Project.Services[name]; !enabled {
			file.LeftOut = append(file.LeftOut, name)
		}
	}
	return file, checker.faults.Err()
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
// service's name in quotes. It drops an error about a part of the file that lacks a
// refused key: the error may follow from that.
func (f *File) explain(err error, removed []string) []*Refusal {
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // only as load itself returns it
		return []*Refusal{refusal}
	}
	place, line := f.placeIn(err.Error())
	for _, key := range removed {
		if part := partOf(key); place == "" || part == partOf(place) {
			return nil
		}
	}
	return []*Refusal{refuse(line, fmt.Sprintf("The compose file cannot be used: %s.", sentence(err.Error())), "Correct it and make the archive again.")}
}

// partOf returns the service, volume or other object that a place belongs to.
func partOf(place string) string {
	parts := strings.SplitN(place, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// placeIn finds the first place that a message names, and its line.
func (f *File) placeIn(message string) (place string, line int) {
	for word := range strings.FieldsSeq(message) {
		word = strings.Trim(word, "\"'`,.:;()[]")
		for place := word; strings.Contains(place, "."); place = place[:strings.LastIndexByte(place, '.')] {
			if line := f.Line(strings.Split(place, ".")...); line != 0 {
				return place, line
			}
		}
		if line := f.lines["services."+word]; line != 0 {
			return "services." + word, line
		}
	}
	return "", 0
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
