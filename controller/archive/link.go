package archive

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/printable"
)

// longestChain is the most symbolic links in one chain, as in Linux.
const longestChain = 40

// resolved is the end of a symbolic link, and the number of links to it.
type resolved struct {
	path  string
	links int
}

// resolver follows the symbolic links of a tree, each once.
type resolver struct {
	tree   *Tree
	limits Limits
	ends   map[string]resolved
	failed map[string]error
	names  int             // bytes of the paths in ends
	open   map[string]bool // being followed now, to detect a circle
}

// resolveLinks refuses a tree with a symbolic link that leaves it, also by way of other
// links, or that never ends. A link to nothing is allowed, because the build may create
// its target.
//
// Where the catalogue sets such links aside, the tree loses them.
func resolveLinks(tree *Tree, found *catalogue) error {
	r := newResolver(tree)
	for _, m := range tree.members {
		if m.Kind != Symlink {
			continue
		}
		if _, err := r.resolve(m.Entry); err != nil {
			if err := found.setAside(m.Entry, err); err != nil {
				return err
			}
		}
	}
	if len(r.failed) > 0 {
		tree.members = slices.DeleteFunc(tree.members, func(m member) bool { return r.failed[m.Path] != nil })
		tree.index()
	}
	return nil
}

func newResolver(tree *Tree) *resolver {
	return &resolver{
		tree: tree, limits: tree.limits,
		ends: map[string]resolved{}, failed: map[string]error{}, open: map[string]bool{},
	}
}

func (r *resolver) resolve(link Entry) (resolved, error) {
	if end, done := r.ends[link.Path]; done {
		return end, nil
	}
	if err := r.failed[link.Path]; err != nil {
		return resolved{}, err
	}
	if r.open[link.Path] {
		return resolved{}, refuse(link.Path, "The symbolic link leads back to itself.", "Leave the link out of the archive.")
	}
	r.open[link.Path] = true
	defer delete(r.open, link.Path)
	if len(r.open) > longestChain {
		return resolved{}, refuseChain(link)
	}
	end, err := r.follow(link)
	if err != nil {
		r.failed[link.Path] = err
		return resolved{}, err
	}
	if r.names += len(end.path); r.names > r.limits.NameBytes {
		return resolved{}, refuseNames(r.limits.NameBytes)
	}
	r.ends[link.Path] = end
	return end, nil
}

// follow walks the target part by part, like the kernel: ".." after a link is the parent
// of the link's target.
func (r *resolver) follow(link Entry) (resolved, error) {
	at := resolved{path: parent(link.Path), links: 1}
	for part := range strings.SplitSeq(link.Link, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if at.path == "" {
				return resolved{}, refuse(link.Path,
					fmt.Sprintf("The symbolic link to %s leads out of the archive.", printable.Name(link.Link, nameBytes)),
					"Replace the link by the file itself, or leave it out of the archive.")
			}
			at.path = parent(at.path)
			continue
		}
		next := strings.TrimPrefix(at.path+"/"+part, "/")
		if len(next) > r.limits.PathBytes {
			return resolved{}, refuse(link.Path,
				fmt.Sprintf("The symbolic link leads to a path that is longer than %d bytes.", r.limits.PathBytes),
				"Let the link lead to the file itself, or leave it out of the archive.")
		}
		entry, found := r.tree.Entry(next)
		if !found || entry.Kind != Symlink {
			at.path = next
			continue
		}
		end, err := r.resolve(entry)
		if err != nil {
			return resolved{}, err
		}
		at.path, at.links = end.path, max(at.links, end.links+1)
		if at.links > longestChain {
			return resolved{}, refuseChain(link)
		}
	}
	return at, nil
}

func refuseChain(link Entry) *Refusal {
	return refuse(link.Path,
		fmt.Sprintf("The symbolic link is one of more than %d that lead to one another.", longestChain),
		"Let the link lead to the file itself.")
}

// Follow returns the path that a path leads to through symbolic links of the tree; the path
// itself if it leads through none, or nowhere.
func (t *Tree) Follow(path string) string {
	end, err := newResolver(t).follow(Entry{Link: path})
	if _, found := t.byPath[end.path]; err != nil || !found {
		return path
	}
	return end.path
}
