package compose

import "slices"

// Support is what happens to a key of the compose specification.
type Support string

// A key is supported or refused. Only what documents a file for people is noted:
// it stays without effect, and the person is told.
const (
	Supported Support = "supported"
	Refused   Support = "refused"
	Noted     Support = "noted"
)

// Key is one row of "what Berth supports": the check of every file goes by it.
type Key struct {
	// Path has * for a name that the file chooses, and [] for an item of a list.
	Path    string
	Support Support
	// Text is a whole sentence: the bounds of what is supported, or why a key is
	// refused. It may be empty where a key is supported without bounds.
	Text string
	// Instead says what to write instead of a refused key.
	Instead string
	// Unless are values of a refused key that ask for nothing, and are taken.
	Unless []string
}

// Keys returns the table of every key of the compose specification, in its order.
func Keys() []Key { return slices.Clone(keys) }

// Section is a part of the table.
type Section struct {
	Name string
	Keys []Key
}

// Sections returns the table of Keys in its parts.
func Sections() []Section {
	return []Section{
		{"The file", slices.Clone(topKeys)},
		{"Services", slices.Clone(serviceKeys)},
		{"What runs", slices.Clone(containerKeys)},
		{"Mounts, configs and secrets of a service", slices.Clone(mountKeys)},
		{"Builds", slices.Clone(buildKeys)},
		{"Copies and limits", slices.Clone(deployKeys)},
		{"Networks, volumes, configs and secrets", slices.Clone(resourceKeys)},
	}
}

func yes(path, text string) Key { return Key{Path: path, Support: Supported, Text: text} }

func note(path, text string) Key { return Key{Path: path, Support: Noted, Text: text} }

func no(path, text, instead string, unless ...string) Key {
	return Key{Path: path, Support: Refused, Text: text, Instead: instead, Unless: unless}
}
