// Package snapshot lists the files of a commit within the bounds of an archive, and makes an
// archive of them.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"berth/controller/archive"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/pack"
)

// file is a file or a link of a commit.
type file struct {
	path string
	mode pack.Mode
	id   pack.ID
	size int64
}

// Snapshot is all files of a commit.
type Snapshot struct {
	objects *pack.Objects
	files   []file
	bytes   int64
}

// Files is how many files and links there are.
func (s *Snapshot) Files() int { return len(s.files) }

// Bytes is how large all files are together.
func (s *Snapshot) Bytes() int64 { return s.bytes }

// The most letters of a name that a fault shows.
const (
	shownName   = 200
	shownFolder = 500
)

// List lists the files of a commit, or of a folder of it. All that a person can mend is said
// at once, within the bounds of an archive.
func List(ctx context.Context, objects *pack.Objects, commit pack.ID, folder string, most archive.Limits) (*Snapshot, error) {
	tree, err := objects.TreeOf(commit)
	if err == nil && folder != "" {
		tree, err = folderOf(objects, tree, folder)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	walk := &walk{objects: objects, most: most}
	if err := walk.add(ctx, "", tree, 1); err != nil {
		return nil, unreadable(err)
	}
	if err := problem.Refused("archive", walk.faults.Err()); err != nil {
		return nil, err
	}
	return &Snapshot{objects: objects, files: walk.files, bytes: walk.bytes}, nil
}

// unreadable words what git would not have sent.
func unreadable(err error) error {
	if _, known := errors.AsType[*problem.Problem](err); known || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, pack.ErrMissing) {
		return problem.Conflict("The push lacks objects that Berth does not have.", "Push again: Berth has forgotten what it had, and git sends everything.").Because(err)
	}
	return problem.Invalid("The push is damaged: a folder cannot be read.", "Run git fsck in your repository.").Because(err)
}

// folderOf follows a path down from a tree.
func folderOf(objects *pack.Objects, tree pack.ID, folder string) (pack.ID, error) {
	for part := range strings.SplitSeq(folder, "/") {
		entries, err := objects.Entries(tree)
		if err != nil {
			return pack.ID{}, err
		}
		found := false
		for _, entry := range entries {
			if entry.Name == part && entry.Mode == pack.ModeFolder {
				tree, found = entry.ID, true
			}
		}
		if !found {
			return pack.ID{}, problem.Invalid(fmt.Sprintf("The commit has no folder %s.", printable.Name(folder, shownFolder)), "Choose another folder in the settings of the app, or push one that has it.")
		}
	}
	return tree, nil
}

// walk goes through the trees of a commit.
type walk struct {
	objects *pack.Objects
	most    archive.Limits
	files   []file
	faults  problem.Refusals
	entries int
	bytes   int64
}

func (w *walk) add(ctx context.Context, folder string, tree pack.ID, depth int) error {
	if depth > w.most.PathDepth {
		return problem.Invalid(fmt.Sprintf("A file lies more than %d folders deep.", w.most.PathDepth), "Move the file up.")
	}
	entries, err := w.objects.Entries(tree)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.entries++; w.entries > w.most.Entries {
			return problem.TooLarge(fmt.Sprintf("The commit has more than %d files and folders.", w.most.Entries), "Leave out what the build does not need.")
		}
		name := path.Join(folder, entry.Name)
		if !isName(entry.Name) {
			w.refuse(folder+"/"+entry.Name, "This name is not allowed in a commit.", "Run git fsck in your repository, and take the file out.")
			continue
		}
		if len(name) > w.most.PathBytes {
			return problem.Invalid(fmt.Sprintf("A path is longer than %d bytes.", w.most.PathBytes), "Use shorter names.")
		}
		if err := w.addEntry(ctx, name, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) addEntry(ctx context.Context, name string, entry pack.TreeEntry, depth int) error {
	switch entry.Mode {
	case pack.ModeFolder:
		return w.add(ctx, name, entry.ID, depth+1)
	case pack.ModeFile, pack.ModeGroupFile, pack.ModeProgram, pack.ModeLink:
	case pack.ModeSubmodule:
		w.refuse(name, "This is a submodule: git does not push its files.", "Copy the files into the repository (git subtree), or have the build fetch them.")
		return nil
	default:
		w.refuse(name, fmt.Sprintf("The mode %o is not one of git's.", entry.Mode), "Run git fsck in your repository.")
		return nil
	}
	size, err := w.objects.Size(entry.ID, pack.Blob)
	if err != nil {
		return err
	}
	if w.bytes += size; w.bytes > w.most.ExpandedBytes {
		return problem.TooLarge(fmt.Sprintf("The commit holds more than %s.", printable.Size(w.most.ExpandedBytes)), "Leave out what the build does not need.")
	}
	if entry.Mode == pack.ModeLink && size > int64(w.most.PathBytes) {
		w.refuse(name, fmt.Sprintf("The link is longer than %d bytes.", w.most.PathBytes), "Put the file itself in this place.")
		return nil
	}
	w.files = append(w.files, file{name, entry.Mode, entry.ID, size})
	return w.checkPointer(name, entry.ID, size)
}

// A pointer of Git LFS is a small text in place of the file.
const (
	pointerHead  = "version https://git-lfs.github.com/spec/v1\n"
	pointerBytes = 1024
)

func (w *walk) checkPointer(name string, id pack.ID, size int64) error {
	if size < int64(len(pointerHead)) || size > pointerBytes {
		return nil
	}
	text, err := w.objects.Read(id, pack.Blob, pointerBytes)
	if err == nil && strings.HasPrefix(string(text), pointerHead) {
		w.refuse(name, "This is a pointer of Git LFS: git does not push the file itself.", "Run git lfs migrate export, or have the build fetch the file.")
	}
	return err
}

// mostRefusals bounds the faults that are counted.
const mostRefusals = 1000

func (w *walk) refuse(name, reason, hint string) {
	if len(w.faults) < mostRefusals {
		w.faults = append(w.faults, &problem.Refusal{File: printable.Name(strings.TrimPrefix(name, "/"), shownName), Reason: reason, Hint: hint})
	}
}

// isName reports whether git itself would write the name.
func isName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && !strings.EqualFold(name, ".git")
}
