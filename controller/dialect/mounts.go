package dialect

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"berth/controller/printable"
)

// filesFolder is where Dokploy puts the files of a template, as the compose file sees it,
// and where they lie here.
const (
	filesFolder = "../files"
	filesHere   = "files"
)

// systemFolders are folders of a host that no template may name, unless the compose file
// mounts the file of the same path from the template's own folder.
var systemFolders = []string{
	"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys", "usr", "var",
}

// makeFiles reads the mounts of a template that are files. Their paths are below the
// template's own folder, even with a slash before them.
func (f *form) makeFiles(e *expander, mounts *toml) {
	var volumes []string
	for _, mount := range f.itemsOf(mounts, "mounts", maxFiles) {
		place := place{label: "file", line: mount.line, most: maxValue}
		filePath, content := mount.field("filePath"), mount.field("content")
		if filePath == nil || content == nil {
			volumes = append(volumes, strconv.Itoa(mount.line))
			continue
		}
		place.line = filePath.line
		wanted, ok := e.expand(filePath.text, place).Literal()
		if !ok {
			f.faults.refuse(f.source.TemplateName, filePath.line, "The path of a file cannot be generated.", "Write the path itself.")
			continue
		}
		cleaned, ok := f.filePath(f.source.TemplateName, wanted, filePath.line)
		if !ok {
			continue
		}
		if strings.HasPrefix(wanted, "/") && slices.Contains(systemFolders, first(cleaned)) && !f.compose.mounts(filesFolder+"/"+cleaned) {
			f.faults.refuse(f.source.TemplateName, filePath.line, fmt.Sprintf("The mount names %.80q, a file of the system.", wanted), "A template's files lie in its own folder: name a path there, and mount it as ../files/PATH in the compose file.")
			continue
		}
		if content.text == "" && path.Ext(cleaned) == "" {
			f.note("The mount %s in line %d of the template is an empty folder, and was left out.", printable.Name(wanted, 80), filePath.line)
			continue
		}
		place = f.contentPlace(content.line)
		f.addFile(f.source.TemplateName, File{Path: filesHere + "/" + cleaned, Content: e.expand(content.text, place), Line: filePath.line})
	}
	if len(volumes) > 0 {
		f.note("Mounts of the template that are no files were left out (line %s): the compose file itself declares volumes.", strings.Join(volumes, ", "))
	}
}

func (f *form) contentPlace(line int) place {
	return place{label: "file", line: line, most: maxContent, strictness: loose}
}

func first(cleaned string) string {
	folder, _, _ := strings.Cut(cleaned, "/")
	return folder
}

// filePath confines a path: relative, with slashes, without a step upwards.
func (f *form) filePath(file, wanted string, line int) (string, bool) {
	const most = 240
	steps := strings.Split(wanted, "/")
	cleaned := path.Clean("/" + wanted)[1:]
	switch {
	case cleaned == "" || len(wanted) > most || !printable.Is(wanted) || strings.ContainsAny(wanted, `\:`):
		f.faults.refuse(file, line, fmt.Sprintf("%.80q is no path of a file.", wanted), "Write a relative path with slashes, without backslashes and colons.")
	case slices.Contains(steps, ".."):
		f.faults.refuse(file, line, fmt.Sprintf("The path %.80q leads out of the template's folder.", wanted), `Write a path without "..".`)
	default:
		return cleaned, true
	}
	return "", false
}

// addFile adds a file, unless another one has its place.
func (f *form) addFile(source string, file File) {
	for _, other := range f.Files {
		if other.Path == file.Path || strings.HasPrefix(other.Path, file.Path+"/") || strings.HasPrefix(file.Path, other.Path+"/") {
			f.faults.refuse(source, file.Line, fmt.Sprintf("The file %.80q has the place of the one in line %d.", file.Path, other.Line), "Keep one of the two.")
			return
		}
	}
	if len(f.Files) >= maxFiles {
		f.faults.refuse(source, file.Line, fmt.Sprintf("The template has more than %d files.", maxFiles), "Put them into the archive.")
		return
	}
	f.Files = append(f.Files, file)
}
