package target

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// partial begins the name of a file that is not whole yet.
const partial = ".partial-"

// Folder keeps each object in a file below a folder.
type Folder struct{ root *os.Root }

var _ Target = (*Folder)(nil)

// OpenFolder opens a folder, which must be there: one that is missing may be a disk that
// is not mounted. The caller closes it.
func OpenFolder(name string) (*Folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open folder of backups: %w", err)
	}
	return &Folder{root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put writes a file of another name, and renames it once it is on the disk.
func (f *Folder) Put(ctx context.Context, name string, content []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	folder := path.Dir(name)
	if err := f.root.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	waiting := path.Join(folder, partial+rand.Text())
	err := f.write(waiting, content)
	if err == nil {
		err = f.root.Rename(waiting, name)
	}
	if err != nil {
		_ = f.root.Remove(waiting)
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.sync(folder)
}

func (f *Folder) write(name string, content []byte) error {
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// sync makes the name of a file survive a loss of power.
func (f *Folder) sync(folder string) error {
	opened, err := f.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

// Get opens a file.
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return file, err
}

// List walks the folder. What an interrupted write has left is no object.
func (f *Folder) List(ctx context.Context, prefix string, visit func(Object) error) error {
	top := strings.TrimSuffix(prefix, "/")
	if top == "" {
		top = "."
	}
	err := fs.WalkDir(f.root.FS(), top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), partial) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(Object{Name: name, Bytes: info.Size()})
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove removes a file.
func (f *Folder) Remove(_ context.Context, name string) error {
	err := f.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
