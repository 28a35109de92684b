// Package lineends finds scripts with the line ends of Windows, which Linux cannot start.
package lineends

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"berth/controller/archive"
)

const (
	mostScripts = 200      // that are read; scripts beyond are not looked at
	scriptBytes = 64 << 10 // of one script; a larger file is none
	mostNamed   = 5        // in the note
)

// Notes returns a note on the scripts whose first line ends with CR LF and names an
// interpreter; none if there are none. It costs one pass of a tar if there may be any.
func Notes(ctx context.Context, tree *archive.Tree) ([]string, error) {
	var paths []string
	for _, entry := range tree.Entries() {
		if entry.Kind == archive.File && entry.Size <= scriptBytes && mayBeScript(entry.Path) && len(paths) < mostScripts {
			paths = append(paths, entry.Path)
		}
	}
	texts, err := tree.ReadFiles(ctx, paths, scriptBytes)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, name := range paths {
		first, _, _ := bytes.Cut(texts[name], []byte("\n"))
		if bytes.HasPrefix(first, []byte("#!")) && bytes.HasSuffix(first, []byte("\r")) {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) == 0 {
		return nil, nil
	}
	return []string{note(wrong)}, nil
}

// mayBeScript reports whether a file has the name of a script: it ends as one, or has no
// ending, as entrypoints do.
func mayBeScript(file string) bool {
	ending := strings.ToLower(path.Ext(file))
	return ending == ".sh" || ending == ".bash" || ending == ""
}

func note(files []string) string {
	subject, verb := "The script "+files[0], "has"
	if len(files) > 1 {
		subject, verb = "The scripts "+strings.Join(files[:min(len(files), mostNamed)], ", "), "have"
	}
	if more := len(files) - mostNamed; more > 0 {
		subject += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s %s the line ends of Windows (CRLF): Linux does not find the interpreter in the first line. "+
		"Save with the line ends LF, or let the Dockerfile do it: RUN sed -i 's/\\r$//' FILE.", subject, verb)
}
