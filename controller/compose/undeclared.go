package compose

import (
	"regexp"
	"slices"
	"strings"
)

// volumeKey is the name of a volume under the key volumes.
var volumeKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// declareVolumes adds the named volumes that services mount, and that the file forgot to
// list, to the list.
func declareVolumes(root *node, names *variables) {
	listed := root.fields["volumes"]
	if listed == nil || !listed.isMapping() {
		if listed != nil && !listed.empty() {
			return // no mapping: the library says what is wrong
		}
		root.remove("volumes")
		listed = &node{fields: map[string]*node{}, lines: map[string]int{}}
		root.add("volumes", 0, listed)
	}
	services := root.fields["services"]
	for _, name := range services.keys {
		volumes := services.fields[name].fields["volumes"]
		if volumes == nil {
			continue
		}
		for _, item := range volumes.items {
			if source := namedSource(item, names); source != "" && listed.fields[source] == nil && !slices.Contains(listed.keys, source) {
				listed.add(source, item.line, &node{line: item.line})
			}
		}
	}
}

// namedSource returns the name of the volume that an item of volumes mounts; empty if it
// mounts something else.
func namedSource(item *node, names *variables) string {
	source, text := "", names.inText(item.text)
	if item.isMapping() {
		if kind := item.fields["type"]; kind == nil || kind.text != "volume" || item.fields["source"] == nil {
			return ""
		}
		source = names.inText(item.fields["source"].text)
	} else if before, after, found := strings.Cut(text, ":"); found && strings.HasPrefix(after, "/") {
		source = before
		if len(before) == 1 && strings.Contains(after, ":/") {
			return "" // the drive of a Windows path
		}
	}
	if !volumeKey.MatchString(source) {
		return ""
	}
	return source
}
