package app

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"berth/controller/problem"
)

// The bounds on chosen compose files.
const (
	mostComposePaths   = 8
	longestComposePath = 200 // bytes
	hintComposePath    = "Write paths within the archive, such as deploy/compose.yaml, with commas between, or leave the field empty."
)

// ComposePaths are the compose files of an archive that a person chose, as
// ParseComposePaths returns them: clean, each once, separated by commas. The later ones
// change the first.
type ComposePaths string

// ParseComposePaths reads paths separated by commas or lines, or returns a Problem.
func ParseComposePaths(s string) (ComposePaths, error) {
	var paths []string
	for text := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '\r' || r == '\n' }) {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		clean := path.Clean(text)
		if !isPathInArchive(text, clean) {
			return "", problem.Invalid(fmt.Sprintf("%.210q is not the path of a file in the archive.", text), hintComposePath).At(FieldCompose)
		}
		if slices.Contains(paths, clean) {
			return "", problem.Invalid(fmt.Sprintf("%.210q is there twice.", clean), "Name each compose file once; the later ones change the first.").At(FieldCompose)
		}
		paths = append(paths, clean)
	}
	if len(paths) > mostComposePaths {
		return "", problem.Invalid(fmt.Sprintf("There are more than %d compose files.", mostComposePaths), "Merge some of them into one file.").At(FieldCompose)
	}
	return ComposePaths(strings.Join(paths, ",")), nil
}

func isPathInArchive(text, clean string) bool {
	return len(text) <= longestComposePath && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) &&
		!strings.Contains(text, `\`) && !strings.HasPrefix(text, "/") && !strings.HasSuffix(text, "/") &&
		clean != "." && clean != ".." && !strings.HasPrefix(clean, "../")
}

// List returns the paths one by one, in their order.
func (p ComposePaths) List() []string {
	if p == "" {
		return nil
	}
	return strings.Split(string(p), ",")
}
