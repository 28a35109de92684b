package planner

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"berth/controller/archive"
	"berth/controller/plan"
)

// overlay is the tree with plan.Options.Texts in it: what planning reads. Builds get the
// files of the archive alone.
type overlay struct {
	*archive.Tree
	texts map[string][]byte
	added map[string]archive.Entry // the texts and their folders, as far as the archive lacks them
}

func overlaid(tree *archive.Tree, texts map[string][]byte) overlay {
	o := overlay{Tree: tree, texts: texts, added: map[string]archive.Entry{}}
	for name, text := range texts {
		o.added[name] = archive.Entry{Path: name, Kind: archive.File, Mode: 0o644, Size: int64(len(text))}
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			if _, found := tree.Entry(folder); !found {
				o.added[folder] = archive.Entry{Path: folder, Kind: archive.Directory, Mode: 0o755}
			}
		}
	}
	return o
}

// Entry is that of the tree, with the texts.
func (o overlay) Entry(name string) (archive.Entry, bool) {
	if entry, found := o.added[name]; found {
		return entry, true
	}
	return o.Tree.Entry(name)
}

// Entries is that of the tree, with the texts.
func (o overlay) Entries() []archive.Entry {
	entries := o.Tree.Entries()
	if len(o.added) == 0 {
		return entries
	}
	entries = slices.DeleteFunc(entries, func(entry archive.Entry) bool { _, replaced := o.added[entry.Path]; return replaced })
	entries = slices.AppendSeq(entries, maps.Values(o.added))
	slices.SortFunc(entries, func(a, b archive.Entry) int { return cmp.Compare(a.Path, b.Path) })
	return entries
}

// ReadFile is that of the tree, with the texts.
func (o overlay) ReadFile(ctx context.Context, name string, maxBytes int64) ([]byte, error) {
	text, found := o.texts[name]
	switch {
	case !found:
		return o.Tree.ReadFile(ctx, name, maxBytes)
	case int64(len(text)) > maxBytes:
		return nil, &plan.Refusal{File: name, Reason: fmt.Sprintf("The file is larger than %d KB.", maxBytes>>10), Hint: "Make the file smaller."}
	default:
		return bytes.Clone(text), nil
	}
}

// ReadFiles is that of the tree, with the texts.
func (o overlay) ReadFiles(ctx context.Context, paths []string, maxBytes int64) (map[string][]byte, error) {
	contents, err := o.Tree.ReadFiles(ctx, paths, maxBytes)
	if err != nil {
		return nil, err
	}
	for _, name := range paths {
		if text, found := o.texts[name]; found && int64(len(text)) <= maxBytes {
			contents[name] = bytes.Clone(text)
		}
	}
	return contents, nil
}

// holdsSecret reports whether a text, and no file of the archive, refers to a secret of the
// app.
func (o overlay) holdsSecret(name string) bool {
	return plan.RefersToSecret(string(o.texts[name]))
}
