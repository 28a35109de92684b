package volume

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"berth/controller/printable"
)

// What a path in a volume may be.
const (
	pathBytes = 1024
	partBytes = 255 // what a file system takes
	pathDepth = 32
)

// stagePrefix begins the name of what this package keeps for itself at the top
// of a volume while files come in.
const stagePrefix = ".berth-upload-"

// Path is where something is in a volume: slash-separated, relative to the
// volume's root, clean. Empty is the root itself. Whatever an app can call a file
// can be a Path, so that it can be seen and deleted; String is for showing it.
type Path string

// ParsePath returns s as a Path, or a *Refusal. One leading and one closing
// slash are dropped: "/" is the volume's root, never the machine's.
func ParsePath(s string) (Path, error) {
	clean := strings.TrimSuffix(strings.TrimPrefix(s, "/"), "/")
	if clean == "" {
		return "", nil
	}
	if reason := faultIn(clean); reason != "" {
		return "", refuse(Invalid, Path(s), reason, "Write the path as it stands in the volume, such as photos/cat.jpg.")
	}
	return Path(clean), nil
}

// ParseNewPath is ParsePath for what a person adds: the volume's root is
// refused, and so is a name that could not be shown as it is.
func ParseNewPath(s string) (Path, error) {
	path, err := ParsePath(s)
	if err != nil {
		return "", err
	}
	const hint = "Rename the file and upload it again."
	switch {
	case path == "":
		return "", refuse(Invalid, "", "The file has no name.", hint)
	case !utf8.ValidString(s):
		return "", refuse(Invalid, path, "The name is not valid UTF-8.", hint)
	case strings.ContainsFunc(s, misleads):
		return "", refuse(Invalid, path, "The name holds a character that cannot be seen.", hint)
	case strings.Contains(s, `\`):
		return "", refuse(Invalid, path, "The name holds a backslash.", hint)
	case path.private():
		return "", refuse(Invalid, path, "Names that begin with "+stagePrefix+" are Berth's own.", hint)
	default:
		return path, nil
	}
}

// Join returns the path of name in the folder p. The name must be one that List
// returned.
func (p Path) Join(name string) Path {
	if p == "" {
		return Path(name)
	}
	return p + Path("/"+name)
}

// Name returns the last part, which is empty for the root.
func (p Path) Name() string { return string(p[strings.LastIndexByte(string(p), '/')+1:]) }

// Folder returns the path of the folder that holds p; the root holds itself.
func (p Path) Folder() Path { return p[:max(strings.LastIndexByte(string(p), '/'), 0)] }

// shownBytes is the longest path or failure that is shown whole.
const shownBytes = 160

// String returns the path so that it can be shown, quoted where it must be.
func (p Path) String() string { return printable.Name(string(p), shownBytes) }

// misleads reports whether a name with the character could not be told from
// another, or would be shown in another order.
func misleads(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// local is the path as os.Root takes it.
func (p Path) local() string {
	if p == "" {
		return "."
	}
	return string(p)
}

// private reports whether the path is in what this package keeps for itself.
func (p Path) private() bool { return strings.HasPrefix(string(p), stagePrefix) }

// faultIn returns what is wrong with the form of a path, as a sentence, or nothing.
func faultIn(path string) string {
	if len(path) > pathBytes {
		return fmt.Sprintf("The path is longer than %d bytes.", pathBytes)
	}
	if strings.IndexByte(path, 0) >= 0 {
		return "The path holds a zero byte."
	}
	if strings.Count(path, "/") >= pathDepth {
		return fmt.Sprintf("The path is more than %d folders deep.", pathDepth)
	}
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "..":
			return `The path leads upwards with "..".`
		case part == "" || part == ".":
			return "The path has an empty part."
		case len(part) > partBytes:
			return fmt.Sprintf("A name in the path is longer than %d bytes.", partBytes)
		}
	}
	return ""
}
