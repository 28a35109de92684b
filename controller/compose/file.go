// Package compose reads an untrusted compose file into a checked project: every key is supported, or refused with its line.
//
// The only input is the given bytes, variables and files of the archive: no environment of
// the process, no file of the machine, no network. One parser reads each text. Its result,
// not the text, goes to the library that normalises it. So no two parsers can disagree
// about the checked file.
package compose

import (
	"fmt"
	"slices"
	"strconv"
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
	// Path is the file's path in the archive. The file's relative paths begin at its
	// folder, and become paths from the archive's top.
	Path string
	// Others change the file, as "docker compose -f" does it: the last one wins. Their
	// paths begin at the first file's folder.
	Others []Other
	// Open returns the content of a file of the archive that extends or include names. Its
	// error is a *Refusal if the archive is at fault.
	Open func(path string) ([]byte, error)
}

// Other is another file of the archive.
type Other struct {
	Path string
	Text []byte
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
	// Paths are the files that were read, in the archive.
	Paths []string

	sources []*source             // those that hold the app's services, the last one wins
	items   map[string][]position // list of a service, by the service and the key
}

// Missing is a variable without a value.
type Missing struct {
	Name string
	Why  string // what the file says of it; may be empty
	File string
	Line int
}

// Read reads a compose file. The error holds every fault as a *Refusal. If the file is
// not nil then, it is the file without the faults, for the caller to look for more; its
// Project may be nil.
func Read(text []byte, o Options) (*File, error) {
	l := newLoading(o)
	if err := l.readAll(text); err != nil {
		return nil, err
	}
	file := &File{Services: l.services(), sources: l.order}
	err := l.expand()
	file.items = l.items()
	if err == nil {
		declareVolumes(l.order)
		file.Project, err = l.load()
	}
	if l.failed != nil {
		return nil, l.failed
	}
	file.Notes, file.Missing, file.Paths = l.notes(), l.missing(err == nil), l.paths()
	if err != nil {
		file.Project = nil
		if len(file.Missing) == 0 { // else the error may follow from that
			l.faults = append(l.faults, file.explain(err, l.removedPlaces())...)
		}
		return file, l.allFaults()
	}
	l.names.use(file.Project)
	file.Unused = l.names.unused()
	for _, name := range file.Services {
		if _, enabled := file.Project.Services[name]; !enabled {
			file.LeftOut = append(file.LeftOut, name)
		}
	}
	return file, l.allFaults()
}

// Place returns the file and the line of the key at a path such as services, web, image.
// If the key came from an extended service, they are those of that service. If the key is
// nowhere, it is the place of the nearest key above. An item of a list is given by its
// number.
func (f *File) Place(path ...string) (file string, line int) {
	for length := len(path); length > 0; length-- {
		if at, found := f.find(path[:length]); found {
			return at.file, at.line
		}
	}
	return f.sources[len(f.sources)-1].path, 0
}

// Line returns the line of Place.
func (f *File) Line(path ...string) int {
	_, line := f.Place(path...)
	return line
}

// Has reports whether the file has the key at a path, directly or by extends.
func (f *File) Has(path ...string) bool {
	_, found := f.find(path)
	return found
}

func (f *File) find(path []string) (position, bool) {
	if len(path) == 4 && path[0] == "services" {
		if items, listed := f.items[joinAll(path[1:3])]; listed {
			if at, err := strconv.Atoi(path[3]); err == nil && at >= 0 && at < len(items) {
				return items[at], true
			}
			return position{}, false
		}
	}
	for _, s := range slices.Backward(f.sources) {
		if at, found := s.find(path); found {
			return at, true
		}
	}
	return position{}, false
}

// explain rewrites errors of the library, which name their place by its path or by a
// service's name in quotes. It drops an error about a part of the file that lacks a
// refused key: the error may follow from that.
func (f *File) explain(err error, removed []string) []*Refusal {
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // only as this package itself returns it
		return []*Refusal{refusal}
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		in := f
		if of, ok := err.(*sourceError); ok { //nolint:errorlint // only as this package itself returns it
			in = &File{sources: []*source{of.source}}
		}
		var all []*Refusal
		for _, one := range joined.Unwrap() {
			all = append(all, in.explain(one, removed)...)
		}
		return all
	}
	place, at := f.placeIn(err.Error())
	for _, key := range removed {
		if part := partOf(key); place == "" || part == partOf(place) {
			return nil
		}
	}
	return []*Refusal{{
		File: at.file, Line: at.line, Reason: fmt.Sprintf("The compose file cannot be used: %s.", sentence(err.Error())),
		Hint: "Correct it and make the archive again.",
	}}
}

// partOf returns the service, volume or other object that a place belongs to.
func partOf(place string) string {
	parts := strings.SplitN(place, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// placeIn finds the first place that a message names.
func (f *File) placeIn(message string) (place string, at position) {
	for word := range strings.FieldsSeq(message) {
		word = strings.Trim(word, "\"'`,.:;()[]")
		for place := word; strings.Contains(place, "."); place = place[:strings.LastIndexByte(place, '.')] {
			path := strings.Split(place, ".")
			if file, line := f.Place(path...); line != 0 {
				return place, position{file, line}
			}
		}
		if at, found := f.find([]string{"services", word}); found {
			return "services." + word, at
		}
	}
	return "", position{file: f.sources[len(f.sources)-1].path}
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
