package volume

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	// spareBytes are left free on the disk: uploads must not fill the host's.
	spareBytes = 512 << 20
	// spareEvery is how often the disk is asked while content comes in.
	spareEvery = 16 << 20
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

// putting makes new entries below a root.
type putting struct {
	root  *os.Root
	owner Owner
	sync  bool // each file reaches the disk before it counts
}

// tar makes what the tar holds: files, folders and symbolic links. Whoever sends
// it has checked it; what leaves the root fails all the same.
func (p putting) tar(from io.Reader) error {
	entries := tar.NewReader(from)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			// The content ends behind the tar, and may still be void.
			_, err := io.Copy(io.Discard, from)
			return err
		}
		if err != nil {
			return err
		}
		path, err := ParseNewPath(header.Name)
		if err != nil {
			return err
		}
		if err := p.member(path, header, entries); err != nil {
			return explain(path, err)
		}
	}
}

func (p putting) member(path Path, header *tar.Header, from io.Reader) error {
	mode := fs.FileMode(header.Mode).Perm()
	switch header.Typeflag {
	case tar.TypeDir:
		if err := p.root.Mkdir(path.local(), modeFolder); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := p.root.Symlink(header.Linkname, path.local()); err != nil {
			return err
		}
	case tar.TypeReg:
		return p.file(path.local(), mode, header.ModTime, from)
	default:
		return refuse(Invalid, path, "The entry is neither a file nor a folder nor a symbolic link.", "Leave it out.")
	}
	return p.root.Lchown(path.local(), p.owner.User, p.owner.Group)
}

// file makes one file that was not there. The owner comes last: what belongs to
// somebody else cannot be changed any more.
func (p putting) file(path string, mode fs.FileMode, modified time.Time, from io.Reader) error {
	file, err := p.root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{file}, from, make([]byte, frameBytes))
	if err == nil {
		err = file.Chmod(mode.Perm())
	}
	if err == nil && !modified.IsZero() {
		err = p.root.Chtimes(path, modified, modified)
	}
	if err == nil {
		err = file.Chown(p.owner.User, p.owner.Group)
	}
	if err == nil && p.sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// onlyWriter hides the other methods of a file, so that io.CopyBuffer uses its buffer.
type onlyWriter struct{ io.Writer }

// guarded is content on its way to the disk, bounded by the limit and by the
// room that is left.
type guarded struct {
	keeper *keeper
	from   io.Reader
	path   Path
	limit  int64 // 0 allows nothing
	taken  int64
	asked  int64 // taken, when the disk was last asked
}

// Read implements io.Reader.
func (g *guarded) Read(buffer []byte) (int, error) {
	if g.taken == 0 || g.taken-g.asked >= spareEvery {
		g.asked = g.taken
		if g.keeper.freeBytes() < spareBytes {
			return 0, refuse(Full, g.path, fmt.Sprintf("The disk has less than %s left.", sizeText(spareBytes)), "Delete what is not needed any more.")
		}
	}
	n, err := g.from.Read(buffer)
	if g.taken += int64(n); g.taken > g.limit {
		return 0, refuse(TooLarge, g.path, fmt.Sprintf("It is larger than %s.", sizeText(g.limit)), "Upload less at once.")
	}
	return n, err
}
