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

// Restore puts the tar that write writes, which Session.Pack or a backup made, into an
// empty volume: all of it, or nothing. Each entry keeps the owner, the mode and the time
// that the tar says, and the entry "./" says those of the volume's root.
func (s *Session) Restore(write func(io.Writer) error) error {
	_, err := s.give(request{Verb: verbRestore}, write)
	return err
}

// restore refuses a volume that holds something: what an app has written is not mixed
// with what it had once.
func (k *keeper) restore(in *content) error {
	empty, err := k.isEmpty()
	if err != nil {
		return err
	}
	if !empty {
		return refuse(Conflict, "", "The volume is not empty.", "Restore under another name, or delete the volume first.")
	}
	top, err := k.restoreEntries(in)
	if err != nil || top == nil {
		return err
	}
	return finish(k.root, ".", top) // after the stage is gone, which changes the time
}

// restoreEntries returns the entry of the volume's root, where the tar has one.
func (k *keeper) restoreEntries(in *content) (top *tar.Header, err error) {
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
	put := &restoring{root: staged}
	if err := put.tar(in); err != nil {
		return nil, err
	}
	return put.top, eachName(staged, func(name string) error { return k.root.Rename(waiting.path(tree)+"/"+name, name) })
}

// restoring makes entries as a tar has them.
type restoring struct {
	root *os.Root
	top  *tar.Header // of the volume's root; nil where the tar has none
	// folders get their owner, mode and time in the end: what is put into them changes the
	// time.
	folders []*tar.Header
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
	clean := strings.TrimSuffix(name, "/")
	if !fs.ValidPath(strings.ToValidUTF8(clean, "_")) || clean == "." || strings.IndexByte(clean, 0) >= 0 || Path(clean).private() {
		return "", refuse(Invalid, Path(name), "The backup names no place in a volume.", "Choose another backup.")
	}
	return clean, nil
}

func (r *restoring) entry(header *tar.Header, from io.Reader) error {
	switch header.Typeflag {
	case tar.TypeDir:
		r.folders = append(r.folders, header)
		return r.root.Mkdir(header.Name, modeFolder)
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
		return fmt.Errorf("the backup has an entry of type %q", header.Typeflag)
	}
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
