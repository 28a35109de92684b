package volume

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

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
