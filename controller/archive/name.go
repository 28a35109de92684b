package archive

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestPart is the most bytes in the name of a folder or a file: no file system takes
// more.
const longestPart = 255

// parseName returns the clean path of an entry's name: relative, without a
// leading "./" or a closing slash. It is empty for the root folder itself.
//
// With an error it returns the part of the path up to the fault, if the name has a place
// in the tree: its folders are then without fault. A name that leads out has no place.
func parseName(name string, limits Limits) (path string, err error) {
	if len(name) > limits.PathBytes {
		return "", refuseLongPath(name, limits)
	}
	path, err = parseParts(name, limits)
	if reason := faultIn(name); reason != "" {
		return untilFault(path), refuse(name, "The path "+reason, hintRename)
	}
	return path, err
}

// parseParts is parseName without the characters of the parts.
func parseParts(name string, limits Limits) (path string, err error) {
	if name == "" {
		return "", refuse("", "An entry has no name.", hintPackAgain)
	}
	if strings.HasPrefix(name, "/") || hasDriveLetter(name) {
		return "", nil // faultIn refuses it
	}
	path = strings.TrimPrefix(strings.TrimSuffix(name, "/"), "./")
	if path == "." || path == "" {
		return "", nil
	}
	depth, end, whole := 0, -1, len(path)
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "..":
			return "", refuse(name, "The path leads out of the archive with \"..\".", hintPackAgain)
		case ".", "":
			return "", refuse(name, "The path has an empty part.", hintPackAgain)
		}
		depth++
		switch {
		case err != nil: // the rest may still lead out
		case depth > limits.PathDepth:
			whole, err = end, refuse(name, fmt.Sprintf("The path is more than %d folders deep.", limits.PathDepth), hintSmaller)
		case len(part) > longestPart:
			whole = end + 1 + len(part)
			err = refuse(name, fmt.Sprintf("The path has a part that is longer than %d bytes.", longestPart), hintRename)
		}
		end += 1 + len(part)
	}
	return path[:whole], err
}

// untilFault cuts a path behind its first part with a fault.
func untilFault(path string) string {
	end := 0
	for part := range strings.SplitSeq(path, "/") {
		end += len(part)
		if faultIn(part) != "" {
			break
		}
		end++
	}
	return path[:min(end, len(path))]
}

// checkTarget refuses the target of a symbolic link whose form alone can lead outside.
// resolveLinks follows it step by step.
func checkTarget(name, target string, limits Limits) error {
	const hint = "Replace the link by the file itself, or leave it out of the archive."
	if target == "" {
		return refuse(name, "The symbolic link leads nowhere.", hint)
	}
	if len(target) > limits.PathBytes {
		return refuse(name, fmt.Sprintf("The symbolic link's target is longer than %d bytes.", limits.PathBytes), hint)
	}
	if reason := faultIn(target); reason != "" {
		return refuse(name, "The symbolic link's target "+reason, hint)
	}
	// At most as deep up and down as a path can be: this bounds the work of resolving.
	if strings.Count(target, "/") >= 2*limits.PathDepth {
		return refuse(name, "The symbolic link's target has too many parts.", hint)
	}
	return nil
}

// faultIn returns the fault in the form of a path, as the end of a sentence; empty if
// there is none.
func faultIn(path string) string {
	switch {
	case !utf8.ValidString(path):
		return "is not valid UTF-8."
	case strings.ContainsFunc(path, unicode.IsControl):
		return "holds a control character."
	case strings.Contains(path, `\`):
		return "holds a backslash."
	case strings.HasPrefix(path, "/"):
		return "is absolute."
	case hasDriveLetter(path):
		return "begins with a drive letter."
	default:
		return ""
	}
}

func hasDriveLetter(path string) bool {
	if len(path) < 2 || path[1] != ':' {
		return false
	}
	letter := path[0] | 0x20
	return 'a' <= letter && letter <= 'z'
}

// fold returns the same key for paths that differ only in case.
func fold(path string) string {
	for i := range len(path) {
		if c := path[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, path)
		}
	}
	return path
}

// foldRune returns the least letter that is r in another case; for ASCII, the lower-case
// one.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// parent returns the path of the directory that holds path; empty at the top.
func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}

func refuseLongPath(name string, limits Limits) *Refusal {
	return refuse(name, fmt.Sprintf("The path is longer than %d bytes.", limits.PathBytes), hintRename)
}
