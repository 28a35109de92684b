package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	modeFolder fs.FileMode = 0o755
	modeFile   fs.FileMode = 0o644
)

// take receives content and answers once it is in the volume. The answer can
// come before the content's end: then the other side need not send the rest.
func (k *keeper) take(asked request) error {
	in := &content{wire: k.wire}
	done, err := k.store(asked, in)
	if errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(in.err, io.ErrUnexpectedEOF) {
		return err
	}
	if err := k.answer(done, err); err != nil {
		return err
	}
	return in.drain()
}

// store puts the content into a stage and moves it from there to its place, so
// that a place never holds half of something.
func (k *keeper) store(asked request, in *content) (done answer, err error) {
	if asked.Verb == verbRestore {
		return answer{}, k.restore(asked, in)
	}
	path, err := ParsePath(string(asked.Path))
	if err != nil {
		return answer{}, err
	}
	waiting, err := newStage(k.root)
	if err != nil {
		return answer{}, err
	}
	defer func() { err = errors.Join(err, waiting.remove()) }()
	from := &guarded{keeper: k, from: in, limit: asked.Limit, path: path}
	if asked.Verb == verbUnpack {
		return answer{}, k.unpack(asked, path, from, waiting)
	}
	entry, err := k.write(asked, path, from, waiting)
	return answer{Entry: toWire(entry)}, err
}

// write puts one file in its place. A file that is there already is replaced in
// one step; anything else there is refused.
func (k *keeper) write(asked request, path Path, from io.Reader, waiting *stage) (Entry, error) {
	if path == "" {
		return Entry{}, refuse(Invalid, "", "The file has no name.", "Give it one.")
	}
	if err := k.checkPlace(path, File); err != nil {
		return Entry{}, err
	}
	put := putting{root: k.root, owner: asked.Owner, sync: true}
	if err := put.file(waiting.path("file"), asked.Mode, time.Time{}, from); err != nil {
		return Entry{}, explain(path, err)
	}
	if err := k.makeFolders(path.Folder(), asked.Owner); err != nil {
		return Entry{}, err
	}
	if err := k.checkPlace(path, File); err != nil {
		return Entry{}, err
	}
	if err := k.root.Rename(waiting.path("file"), path.local()); err != nil {
		return Entry{}, explain(path, err)
	}
	return k.find(path)
}

// unpack puts all of a tar into the folder, or nothing of it.
func (k *keeper) unpack(asked request, path Path, from io.Reader, waiting *stage) error {
	const tree = "tree"
	if err := k.root.Mkdir(waiting.path(tree), modeFolder); err != nil {
		return explain(path, err)
	}
	staged, err := k.root.OpenRoot(waiting.path(tree))
	if err != nil {
		return err
	}
	defer staged.Close()
	put := putting{root: staged, owner: asked.Owner}
	if err := put.tar(from); err != nil {
		return err
	}
	if err := k.makeFolders(path, asked.Owner); err != nil {
		return err
	}
	if err := k.checkMerge(staged, path); err != nil {
		return err
	}
	return k.merge(staged, waiting.path(tree), path)
}

// checkPlace refuses a place for a new entry of the kind where something else
// is. A link is never written through, even where it stays inside.
func (k *keeper) checkPlace(path Path, kind Kind) error {
	if path.private() {
		return refuse(Invalid, path, "Names that begin with "+stagePrefix+" are Berth's own.", "Choose another name.")
	}
	there, err := k.root.Lstat(path.local())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explain(path, err)
	}
	is := kindOf(there.Mode())
	if is == kind || is == Symlink && kind == Symlink {
		return nil
	}
	return refuse(Conflict, path, fmt.Sprintf("There is a %s at this path.", is), "Choose another name, or remove what is there.")
}

// makeFolders makes the folder and those above it where they are missing. What
// is there must be folders: a link among them is refused, wherever it leads.
func (k *keeper) makeFolders(path Path, owner Owner) error {
	if path == "" {
		return nil
	}
	at := Path("")
	for part := range strings.SplitSeq(string(path), "/") {
		at = at.Join(part)
		if err := k.checkPlace(at, Folder); err != nil {
			return err
		}
		err := k.root.Mkdir(at.local(), modeFolder)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = k.root.Lchown(at.local(), owner.User, owner.Group)
		}
		if err != nil {
			return explain(at, err)
		}
	}
	return nil
}

// checkMerge finds what stands in the way before anything is moved.
func (k *keeper) checkMerge(staged *os.Root, to Path) error {
	return walk(staged, "", 0, func(at spot) error {
		return k.checkPlace(to.Join(at.path), kindOf(at.info.Mode()))
	})
}

// merge moves what is in the staged folder to the folder at to. Folders that are
// in both are merged and stay as they are.
func (k *keeper) merge(staged *os.Root, from string, to Path) error {
	return eachName(staged, func(name string) error {
		target := to.Join(name)
		there, err := k.root.Lstat(target.local())
		if errors.Is(err, fs.ErrNotExist) || err == nil && !there.IsDir() {
			return explain(target, k.root.Rename(from+"/"+name, target.local()))
		}
		if err != nil {
			return explain(target, err)
		}
		below, err := staged.OpenRoot(name)
		if err != nil {
			return explain(target, err)
		}
		defer below.Close()
		return k.merge(below, from+"/"+name, target)
	})
}
