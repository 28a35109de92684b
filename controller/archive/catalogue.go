package archive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/printable"
)

// implied is the place of a directory that only the paths of other entries name.
const implied = -1

// member is an entry with the data to write it.
type member struct {
	Entry
	modified time.Time
	place    int // position in the archive, or implied
}

// catalogue collects the members of an archive and refuses members that conflict. The
// zero value is not usable: see newCatalogue.
type catalogue struct {
	limits   Limits
	members  []member
	byFolded map[string]int // path without regard to case -> position in members
	implied  int
	names    int  // bytes of paths and links so far
	whole    bool // keeps the one folder that holds everything
	later    bool // entries at fault are set aside, for Tree.Check
	faults   []fault
	leftOut  leftOut
}

func newCatalogue(limits Limits) *catalogue {
	return &catalogue{limits: limits, byFolded: map[string]int{}}
}

// reserve makes room for the members that an archive lists.
func (c *catalogue) reserve(count int) {
	c.members = make([]member, 0, count)
	c.byFolded = make(map[string]int, count)
}

// take adds a member that was read with err. It reports whether the tree has the member
// now: it may also be left out or set aside.
func (c *catalogue) take(m member, err error) (added bool, failed error) {
	if name, desktop := addedByDesktop(m.Path, !c.whole); desktop {
		c.leftOut.add(name)
		return false, nil
	}
	if err == nil && m.Path != "" {
		if err = c.add(m); err == nil {
			return true, nil
		}
	}
	if err != nil {
		return false, c.setAside(m.Entry, err)
	}
	return false, nil
}

// add adds a member whose path comes from parseName.
func (c *catalogue) add(m member) error {
	if err := c.addParents(m.Path); err != nil {
		return err
	}
	key := fold(m.Path)
	if at, found := c.byFolded[key]; found {
		return c.reconcile(at, m)
	}
	return c.put(key, m)
}

// put adds a member that conflicts with no other, while there is room for its name.
func (c *catalogue) put(key string, m member) error {
	if c.names += len(m.Path) + len(m.Link); c.names > c.limits.NameBytes {
		return refuseNames(c.limits.NameBytes)
	}
	c.byFolded[key] = len(c.members)
	c.members = append(c.members, m)
	return nil
}

// addParents makes sure that every path above path exists and is a directory.
func (c *catalogue) addParents(path string) error {
	folder := parent(path)
	if folder == "" {
		return nil
	}
	at, found := c.byFolded[fold(folder)]
	if !found {
		if err := c.addParents(folder); err != nil {
			return err
		}
		return c.addImplied(folder)
	}
	switch other := c.members[at]; {
	case other.Path != folder:
		return refuseCase(path, other.Path)
	case other.Kind == Symlink:
		return refuse(path, fmt.Sprintf("The entry lies under %s, which is a symbolic link.", printable.Name(folder, nameBytes)), hintPackAgain)
	case other.Kind != Directory:
		return refuse(path, fmt.Sprintf("The entry lies under %s, which is a file.", printable.Name(folder, nameBytes)), hintPackAgain)
	}
	return nil
}

func (c *catalogue) addImplied(folder string) error {
	if c.implied++; c.implied > c.limits.Entries {
		return refuse("", fmt.Sprintf("The archive has more than %d folders.", c.limits.Entries), hintSmaller)
	}
	return c.put(fold(folder), member{
		Entry:    Entry{Path: folder, Kind: Directory, Mode: modeExecutable},
		modified: time.Unix(0, 0),
		place:    implied,
	})
}

// reconcile adds a member whose path another member has. It allows only a directory that
// was implied until now.
func (c *catalogue) reconcile(at int, m member) error {
	other := c.members[at]
	switch {
	case other.Path != m.Path:
		return refuseCase(m.Path, other.Path)
	case other.place == implied && m.Kind == Directory:
		c.members[at] = m
		return nil
	case other.Kind != m.Kind && (other.Kind == Directory || m.Kind == Directory):
		return refuse(m.Path, "The archive holds a folder and a file of this name.", hintPackAgain)
	default:
		return refuse(m.Path, "The archive holds this name twice.", hintPackAgain)
	}
}

// finish strips the one folder that holds everything, unless whole, and returns the
// members sorted by path: a directory comes before its content.
func (c *catalogue) finish() ([]member, error) {
	members := c.members
	if !c.whole {
		members = c.stripTop(members)
	}
	if len(members) == 0 && len(c.faults) > 0 {
		return nil, c.faults[0].refusal
	}
	if len(members) == 0 {
		return nil, refuse("", "The archive is empty.", "Put the app's files into it, with a Dockerfile at the top.")
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.Path, b.Path) })
	return members, nil
}

// stripTop removes the one directory at the top that holds all the others.
func (c *catalogue) stripTop(members []member) []member {
	if len(members) == 0 {
		return nil
	}
	top, _, _ := strings.Cut(members[0].Path, "/")
	for _, m := range members {
		if m.Path == top && m.Kind == Directory || strings.HasPrefix(m.Path, top+"/") {
			continue
		}
		return members
	}
	for _, f := range c.faults {
		if !strings.HasPrefix(f.Path, top+"/") {
			return members
		}
	}
	for i := range c.faults {
		c.faults[i].Path = c.faults[i].Path[len(top)+1:]
	}
	members = slices.DeleteFunc(members, func(m member) bool { return m.Path == top })
	for i := range members {
		members[i].Path = members[i].Path[len(top)+1:]
	}
	return members
}

func refuseCase(name, other string) *Refusal {
	return refuse(name,
		fmt.Sprintf("The name differs from %s in upper and lower case alone.", printable.Name(other, nameBytes)),
		"Rename one of the two and make the archive again.")
}
