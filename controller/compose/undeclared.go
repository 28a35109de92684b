package compose

import (
	"regexp"
	"strings"
)

// volumeKey is the name of a volume under the key volumes.
var volumeKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// declareVolumes adds the named volumes that services mount, and that no file lists, to the
// list of the first file.
func declareVolumes(sources []*source) {
	listed := map[string]bool{}
	for _, s := range sources {
		volumes, isMapping := s.content["volumes"].(map[string]any)
		if !isMapping && s.content["volumes"] != nil {
			return // the library says what is wrong
		}
		for name := range volumes {
			listed[name] = true
		}
	}
	volumes, found := sources[0].content["volumes"].(map[string]any)
	if !found {
		volumes = map[string]any{}
	}
	for _, s := range sources {
		for _, service := range s.extended {
			fields, _ := service.(map[string]any)
			items, _ := fields["volumes"].([]any)
			for _, item := range items {
				if source := namedSource(item); source != "" && !listed[source] {
					volumes[source] = nil
				}
			}
		}
	}
	if len(volumes) > 0 {
		sources[0].content["volumes"] = volumes
	}
}

// namedSource returns the name of the volume that an item of volumes mounts; empty if it
// mounts something else.
func namedSource(item any) string {
	source := ""
	switch item := item.(type) {
	case map[string]any:
		if item["type"] == "volume" {
			source, _ = item["source"].(string)
		}
	case string:
		before, after, found := strings.Cut(item, ":")
		if !found || !strings.HasPrefix(after, "/") || len(before) == 1 && strings.Contains(after, ":/") {
			return "" // the last is the drive of a Windows path
		}
		source = before
	}
	if !volumeKey.MatchString(source) {
		return ""
	}
	return source
}
