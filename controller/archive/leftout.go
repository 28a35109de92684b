package archive

import (
	"fmt"
	"slices"
	"strings"
)

// leftOut are the entries that a desktop added for itself.
type leftOut struct {
	count int
	names []string // the first ones: each folder or kind of file once
}

// addedByDesktop reports whether macOS added the entry for itself: in an app, also the
// files beside others that hold their attributes. It returns the name for the note.
func addedByDesktop(path string, app bool) (name string, added bool) {
	if top, _, _ := strings.Cut(path, "/"); top == "__MACOSX" {
		return top, true
	}
	last := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case last == ".DS_Store":
		return last, true
	case app && last == "Icon\r":
		return "Icon", true
	case app && strings.HasPrefix(last, "._") && len(last) > len("._"):
		return "._*", true
	default:
		return "", false
	}
}

func (l *leftOut) add(name string) {
	if l.count++; !slices.Contains(l.names, name) {
		l.names = append(l.names, name)
	}
}

// LeftOut is a sentence on the entries that the tree does not have because a desktop added
// them for itself; empty if there are none.
func (t *Tree) LeftOut() string {
	names := strings.Join(t.leftOut.names, ", ")
	switch t.leftOut.count {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("One entry that macOS adds for itself is left out: %s.", names)
	default:
		return fmt.Sprintf("%d entries that macOS adds for itself are left out: %s.", t.leftOut.count, names)
	}
}
