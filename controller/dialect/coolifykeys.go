package dialect

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"berth/controller/printable"
)

// coolifyKeys takes the keys out of the services that compose does not know, and the
// content of files with them.
func (f *form) coolifyKeys() {
	seen := make(map[*yaml.Node]bool)
	for _, service := range f.compose.services() {
		if value, holder := find(service.node, "exclude_from_hc", make(map[*yaml.Node]bool)); value != nil {
			f.compose.removePair(holder, "exclude_from_hc")
			f.note("exclude_from_hc of the service %s was left out: a release waits for each service.", printable.Name(service.name, 60))
		}
		for _, volume := range itemsOfNode(get(service.node, "volumes")) {
			if volume.Kind == yaml.MappingNode && !seen[volume] {
				seen[volume] = true
				f.coolifyVolume(volume)
			}
		}
	}
}

// coolifyVolume reads a bind that carries the content of its file, or says that it is a folder.
func (f *form) coolifyVolume(volume *yaml.Node) {
	content, source := get(volume, "content"), get(volume, "source")
	if content != nil {
		f.compose.removePair(volume, "content")
	}
	for _, key := range []string{"is_directory", "isDirectory"} {
		if get(volume, key) != nil {
			f.compose.removePair(volume, key)
		}
	}
	if content == nil || content.Kind != yaml.ScalarNode || scalarText(content) == "" && source != nil && path.Ext(source.Value) == "" {
		return
	}
	if source == nil || !strings.HasPrefix(source.Value, "./") {
		f.faults.refuse(f.source.ComposeName, content.Line, "The volume has content, and its source is no file beside the compose file.", "Write its source as ./PATH.")
		return
	}
	cleaned, ok := f.filePath(f.source.ComposeName, source.Value, source.Line)
	if !ok {
		return
	}
	text := literal(scalarText(content))
	f.spent += text.size()
	if text.size() > maxContent || f.spent > maxText {
		f.faults.refuse(f.source.ComposeName, content.Line, "The content of the file is too large.", "Put the file into the archive.")
		return
	}
	for _, other := range f.Files {
		if whole, _ := other.Content.Literal(); other.Path == cleaned && whole == scalarText(content) {
			return // two services mount one file
		}
	}
	f.addFile(f.source.ComposeName, File{Path: cleaned, Content: text, Line: content.Line})
}
