package compose

import (
	"fmt"
	"path"
	"strings"
)

// within returns the path in the archive of a file that another one names, or why it
// cannot be read.
func within(folder, text string) (inArchive, why string) {
	const longest = 1024
	switch {
	case text == "" || len(text) > longest || strings.ContainsRune(text, 0):
		return "", "is not the path of a file"
	case strings.Contains(text, "$"):
		return "", "holds a variable"
	case isElsewhere(text):
		return "", "is not in the archive"
	case strings.HasPrefix(text, "/"), strings.HasPrefix(text, "~"), strings.Contains(text, `\`), len(text) > 1 && text[1] == ':':
		return "", "is a path of the host"
	}
	inArchive = path.Join(folder, text)
	if inArchive == ".." || strings.HasPrefix(inArchive, "../") {
		return "", "lies outside the archive"
	}
	return inArchive, ""
}

// isElsewhere reports whether a path leads to another machine.
func isElsewhere(text string) bool {
	return strings.Contains(text, "://") || strings.HasPrefix(text, "git@") || strings.HasPrefix(text, "github.com/")
}

// refuseReference refuses a file that a key names.
func (s *source) refuseReference(key, text, why string, line int) *Refusal {
	return &Refusal{
		File: s.path, Line: line, Reason: fmt.Sprintf("The file %.200q of %s %s.", text, key, why),
		Hint: "Add the file to the archive, and write its path from the folder of this file, without a variable.",
	}
}

// rebase makes the relative paths of a file in a folder begin at the archive's top.
func (s *source) rebase(content map[string]any) {
	if s.folder == "" {
		return
	}
	services, _ := content["services"].(map[string]any)
	for _, service := range services {
		if service, ok := service.(map[string]any); ok {
			s.rebaseService(service)
		}
	}
	for _, kind := range []string{"configs", "secrets"} {
		objects, _ := content[kind].(map[string]any)
		for _, object := range objects {
			s.rebaseKey(object, "file")
		}
	}
}

func (s *source) rebaseService(service map[string]any) {
	s.rebaseKey(service, "build")
	s.rebaseKey(service["build"], "context")
	s.rebaseKey(service, "env_file")
	files, _ := service["env_file"].([]any)
	for i, file := range files {
		if text, ok := file.(string); ok {
			files[i] = s.fromTop(text)
		}
		s.rebaseKey(file, "path")
	}
	volumes, _ := service["volumes"].([]any)
	for i, volume := range volumes {
		switch volume := volume.(type) {
		case string:
			volumes[i] = s.rebaseVolume(volume)
		case map[string]any:
			if volume["type"] == "bind" {
				s.rebaseKey(volume, "source")
			}
		}
	}
}

// rebaseVolume changes the short form of a bind. Other sources are names of volumes, or
// paths of the host.
func (s *source) rebaseVolume(volume string) string {
	if !strings.HasPrefix(volume, ".") {
		return volume
	}
	from, to, found := strings.Cut(volume, ":")
	if !found {
		return volume
	}
	return s.fromTop(from) + ":" + to
}

func (s *source) rebaseKey(mapping any, key string) {
	fields, _ := mapping.(map[string]any)
	if text, ok := fields[key].(string); ok {
		fields[key] = s.fromTop(text)
	}
}

// fromTop returns a relative path from the archive's top. A path that leads out of the
// archive stays one, and the caller refuses it.
func (s *source) fromTop(text string) string {
	if text == "" || isElsewhere(text) || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") || strings.Contains(text, `\`) || len(text) > 1 && text[1] == ':' {
		return text
	}
	switch joined := path.Join(s.folder, text); {
	case joined == ".":
		return "./"
	case joined == ".." || strings.HasPrefix(joined, "../"):
		return joined
	default:
		return "./" + joined
	}
}

// defaultContext makes a build without a context one of the file's folder.
func (s *source) defaultContext(service map[string]any) {
	build, _ := service["build"].(map[string]any)
	if _, found := build["context"]; build != nil && !found && s.folder != "" {
		build["context"] = "./" + s.folder
	}
}
