package pack

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// The most bytes of what is read whole.
const (
	commitBytes = 1 << 20
	treeBytes   = 8 << 20
)

// TreeOf returns the tree of a commit.
func (o *Objects) TreeOf(commit ID) (ID, error) {
	text, err := o.Read(commit, Commit, commitBytes)
	if err != nil {
		return ID{}, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	name, isTree := strings.CutPrefix(string(line), "tree ")
	if !isTree {
		return ID{}, fmt.Errorf("commit %s names no tree", commit)
	}
	return ParseID(name)
}

// Mode is what an entry of a tree is.
type Mode uint32

// The modes that git writes, and one of old.
const (
	ModeFolder    Mode = 0o040000
	ModeFile      Mode = 0o100644
	ModeGroupFile Mode = 0o100664
	ModeProgram   Mode = 0o100755
	ModeLink      Mode = 0o120000
	ModeSubmodule Mode = 0o160000
)

// TreeEntry is one line of a tree. Its name is whatever the sender wrote.
type TreeEntry struct {
	Mode Mode
	Name string
	ID   ID
}

var errTree = errors.New("a tree is damaged")

// Entries returns the lines of a tree.
func (o *Objects) Entries(tree ID) ([]TreeEntry, error) {
	text, err := o.Read(tree, Tree, treeBytes)
	if err != nil {
		return nil, err
	}
	var entries []TreeEntry
	for len(text) > 0 {
		var next TreeEntry
		if next, text, err = cutEntry(text); err != nil {
			return nil, fmt.Errorf("tree %s: %w", tree, err)
		}
		entries = append(entries, next)
	}
	return entries, nil
}

// cutEntry reads "MODE NAME\0ID".
func cutEntry(text []byte) (TreeEntry, []byte, error) {
	mode, rest, found := bytes.Cut(text, []byte(" "))
	name, rest, ended := bytes.Cut(rest, []byte{0})
	var entry TreeEntry
	if !found || !ended || len(mode) > 6 || len(rest) < len(entry.ID) {
		return TreeEntry{}, nil, errTree
	}
	for _, digit := range mode {
		if digit < '0' || digit > '7' {
			return TreeEntry{}, nil, errTree
		}
		entry.Mode = entry.Mode<<3 | Mode(digit-'0')
	}
	entry.Name, entry.ID = string(name), ID(rest[:len(entry.ID)])
	return entry, rest[len(entry.ID):], nil
}
