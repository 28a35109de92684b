package volume

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Way says what Restore does with what a volume holds already.
type Way string

// The ways of a restore.
const (
	Fill    Way = ""        // a volume that holds something is refused
	Replace Way = "replace" // all that the volume holds goes, once the tar is whole
	Merge   Way = "merge"   // what the tar does not name stays; what it names is replaced, or goes (RemovedHeader)
)

// ParseWay returns the way with the name, or a *Refusal.
func ParseWay(name string) (Way, error) {
	switch way := Way(name); way {
	case Fill, Replace, Merge:
		return way, nil
	default:
		return "", refuse(Invalid, "", "This is no way to unpack a tar.", "Send replace or merge, or leave it out for a volume that is empty.")
	}
}

// RestoreOptions say where a tar goes.
type RestoreOptions struct {
	Way   Way
	Limit int64 // bytes of the tar; 0 is no limit, as for a backup
}

// Restore puts the tar that write writes, which Session.Pack or a backup made, into a
// volume: all of it, or nothing. Each entry keeps the owner, the mode and the time
// that the tar says, and the entry "./" says those of the volume's root.
func (s *Session) Restore(o RestoreOptions, write func(io.Writer) error) error {
	_, err := s.give(request{Verb: verbRestore, Way: o.Way, Limit: o.Limit}, write)
	return err
}

// removedRecord marks the entry of a tar that says what is not there any more.
const removedRecord = "BERTH.removed"

// RemovedHeader is the entry of a tar by which a Merge removes what is at the path.
func RemovedHeader(path Path) *tar.Header {
	return &tar.Header{Name: string(path), Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{removedRecord: "1"}}
}

// restore refuses to fill a volume that holds something: what an app has written is not mixed
// with what it had once.
func (k *keeper) restore(asked request, in *content) error {
	if asked.Way == Fill {
		empty, err := k.isEmpty()
		if err != nil {
			return err
		}
		if !empty {
			return refuse(Conflict, "", "The volume is not empty.", "Use another name, or delete the volume first.")
		}
	}
	from := io.Reader(in)
	if asked.Limit > 0 {
		from = &guarded{keeper: k, from: in, limit: asked.Limit}
	}
	made, err := k.restoreEntries(asked.Way, from)
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) && (in.err == nil || errors.Is(in.err, io.EOF)) {
		return refuse(Invalid, "", "This is no whole tar.", "Send an uncompressed tar, as tar -cf makes it.")
	}
	if err != nil {
		return err
	}
	return made.settle(k.root, asked.Way) // after the stage is gone, which changes the time of the root
}

// restoreEntries puts the tar into a stage and moves it from there to its place.
func (k *keeper) restoreEntries(way Way, from io.Reader) (put *restoring, err error) {
	waiting, err := newStage(k.root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, waiting.remove()) }()
	const tree = "tree"
	if err := k.root.Mkdir(waiting.path(tree), modeFolder); err != nil {
		return nil, explain("", err)
	}
	staged, err := k.root.OpenRoot(waiting.path(tree))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, staged.Close()) }()
	put = &restoring{root: staged}
	if err := put.tar(from); err != nil {
		return nil, err
	}
	if way == Merge {
		return put, k.mergeRestored(put, waiting.path(tree))
	}
	if way == Replace {
		if err := k.clear(waiting); err != nil {
			return nil, err
		}
	}
	return put, eachName(staged, func(name string) error { return k.root.Rename(waiting.path(tree)+"/"+name, name) })
}

// mergeRestored removes what the tar says is gone, and moves what it holds to its place.
func (k *keeper) mergeRestored(put *restoring, from string) error {
	for _, path := range put.removed {
		if err := k.root.RemoveAll(path); err != nil {
			return explain(Path(path), err)
		}
	}
	if err := k.checkMerge(put.root, ""); err != nil {
		return err
	}
	return k.merge(put.root, from, "")
}

// clear moves all that the volume holds into the stage, which is removed with it.
func (k *keeper) clear(waiting *stage) error {
	const old = "old"
	if err := k.root.Mkdir(waiting.path(old), modeFolder); err != nil {
		return explain("", err)
	}
	return eachName(k.root, func(name string) error {
		if name == "lost+found" || Path(name).private() {
			return nil
		}
		return explain(Path(name), k.root.Rename(name, waiting.path(old)+"/"+name))
	})
}

// restoring makes entries as a tar has them.
type restoring struct {
	root *os.Root
	top  *tar.Header // of the volume's root; nil where the tar has none
	// folders get their owner, mode and time in the end: what is put into them changes the
	// time.
	folders []*tar.Header
	removed []string // what the tar says is gone
}

// settle gives the root of the volume what the tar says of it, and after a Merge the
// folders too: what was moved into them has changed their time.
func (r *restoring) settle(root *os.Root, way Way) error {
	if way == Merge {
		for _, header := range r.folders {
			if err := finish(root, header.Name, header); err != nil {
				return explain(Path(header.Name), err)
			}
		}
	}
	if r.top == nil {
		return nil
	}
	return finish(root, ".", r.top)
}

func (r *restoring) tar(from io.Reader) error {
	entries := tar.NewReader(from)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeXGlobalHeader { // a remark of who made the tar
			continue
		}
		if header.Name == "./" && header.Typeflag == tar.TypeDir {
			r.top = header
			continue
		}
		if header.Name, err = restoredPath(header.Name); err != nil {
			return err
		}
		if err := r.entry(header, entries); err != nil {
			return explain(Path(header.Name), err)
		}
	}
	if _, err := io.Copy(io.Discard, from); err != nil { // the content may still be void
		return err
	}
	for _, header := range r.folders {
		if err := finish(r.root, header.Name, header); err != nil {
			return explain(Path(header.Name), err)
		}
	}
	return nil
}

// restoredPath takes whatever an app can call a file, also what no person could upload.
func restoredPath(name string) (string, error) {
	clean := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if !fs.ValidPath(strings.ToValidUTF8(clean, "_")) || clean == "." || strings.IndexByte(clean, 0) >= 0 || Path(clean).private() {
		return "", refuse(Invalid, Path(name), "The tar names no place in a volume.", "Leave the entry out, or choose another backup.")
	}
	return clean, nil
}

func (r *restoring) entry(header *tar.Header, from io.Reader) error {
	if header.PAXRecords[removedRecord] != "" {
		r.removed = append(r.removed, header.Name)
		return nil
	}
	if err := r.parents(header); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		r.folders = append(r.folders, header)
		err := r.root.Mkdir(header.Name, modeFolder)
		if info, found := r.root.Lstat(header.Name); errors.Is(err, fs.ErrExist) && found == nil && info.IsDir() {
			return nil
		}
		return err
	case tar.TypeSymlink:
		if err := r.root.Symlink(header.Linkname, header.Name); err != nil {
			return err
		}
		return r.root.Lchown(header.Name, header.Uid, header.Gid)
	case tar.TypeReg:
		owner := Owner{User: header.Uid, Group: header.Gid}
		put := putting{root: r.root, owner: owner, sync: false}
		return put.file(header.Name, fs.FileMode(header.Mode).Perm(), header.ModTime, from)
	default:
		return refuse(Invalid, Path(header.Name), "The entry is neither a file nor a folder nor a symbolic link.", "Leave it out.")
	}
}

// parents makes the folders above an entry that the tar does not have as entries of their
// own. They belong to the entry's owner.
func (r *restoring) parents(header *tar.Header) error {
	folder := string(Path(header.Name).Folder())
	if folder == "" {
		return nil
	}
	if _, err := r.root.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for at, letter := range folder + "/" {
		if letter != '/' {
			continue
		}
		err := r.root.Mkdir(folder[:at], modeFolder)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = r.root.Lchown(folder[:at], header.Uid, header.Gid)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish gives a folder its owner, mode and time. The owner comes last but for the time.
func finish(root *os.Root, name string, header *tar.Header) error {
	if err := root.Chmod(name, fs.FileMode(header.Mode).Perm()); err != nil {
		return err
	}
	if err := root.Chtimes(name, time.Time{}, header.ModTime); err != nil {
		return err
	}
	return root.Chown(name, header.Uid, header.Gid)
}

// RootHeader is the entry of a tar that says whom the volume's root belongs to.
func RootHeader(root Entry) *tar.Header {
	return &tar.Header{
		Name: "./", Typeflag: tar.TypeDir, Mode: int64(root.Mode), ModTime: root.Modified,
		Uid: root.Owner.User, Gid: root.Owner.Group, Format: tar.FormatPAX,
	}
}
