package compose

import "slices"

// Support is Berth's treatment of a key of the compose specification.
type Support string

// A key is supported or refused. A key that only documents the file for people is noted:
// it has no effect, and Berth tells the person.
const (
	Supported Support = "supported"
	Refused   Support = "refused"
	Noted     Support = "noted"
)

// Key is one row of "what Berth supports". The check of every file uses it.
type Key struct {
	// Path has * for a name that the file chooses, and [] for an item of a list.
	Path    string
	Support Support
	// Text is a whole sentence: the bounds of the support, or the reason for a refusal.
	// It may be empty for a key without bounds.
	Text string
	// Instead is the replacement for a refused key.
	Instead string
	// Unless are values of a refused key that have no effect, and are accepted.
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
