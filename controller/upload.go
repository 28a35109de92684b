package controller

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/traefik"
)

// Upload is a person's wish for an app or for its next release, every field parsed. One
// of Archive, Held and Image says what it is made of.
type Upload struct {
	Name app.Name
	Next bool   // the next release of the app Name, which has its own settings; else a new app
	By   string // account or token name

	Archive *Archive
	Held    HeldKey             // of an archive that was received before, and waits
	Image   plan.ImageReference // is run as it is

	// What follows is for a new app alone.

	Route  traefik.Route
	Port   uint16 // 0 lets the image decide
	Mounts []app.Mount
	// Database is the waiver, for the services whose image is a known database.
	Database bool
	// Fallback lets a static site answer unknown paths with its index.html.
	Fallback bool
	// Environment is what the app is to have from its first release on: a compose file
	// may not be read without.
	Environment []app.VariableWish
}

// Archive is the file of an upload, received in full and not yet looked into.
// It belongs to whoever holds it until Accept takes it; Discard removes it.
type Archive struct {
	Name   string // the name that the person's file had; shown only
	Bytes  int64
	SHA256 string

	file   string // name inside the uploads folder
	folder uploadsFolder
}

// Discard removes the file. It may be called twice, and after Accept took the
// archive it does nothing.
func (a *Archive) Discard() {
	if a == nil || a.file == "" {
		return
	}
	a.folder.remove(a.file)
	a.file = ""
}

// sync waits until the file is on disk: an accepted release must find it after a power cut.
func (a *Archive) sync() error {
	if a == nil || a.file == "" {
		return nil
	}
	file, err := a.folder.root.Open(a.file)
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	return errors.Join(file.Sync(), file.Close())
}

// Receive streams an archive to a file of its own in the uploads folder, mode
// 0600. More than the limit of an archive is a Problem of problem.KindTooLarge, and
// leaves nothing behind, as does an error of r.
func (c *Controller) Receive(r io.Reader) (*Archive, error) {
	received, err := c.uploads.receive(r, c.limits.CompressedBytes)
	if errors.Is(err, errTooLarge) {
		return nil, problem.TooLarge(
			fmt.Sprintf("The archive is larger than %d MB.", c.limits.CompressedBytes>>20),
			"Leave out what the build does not need, such as .git, node_modules and test data.",
		).At("archive")
	}
	if IsDiskFull(err) {
		return nil, DiskFull("archive", err)
	}
	return received, err
}

var errTooLarge = errors.New("larger than the limit")

// uploadsFolder is the folder that received archives wait in.
type uploadsFolder struct {
	root *os.Root
	mine *sync.Map // names that this process has received, until it removes them
}

func openUploads(path string) (uploadsFolder, error) {
	root, err := openPrivateFolder(path)
	return uploadsFolder{root: root, mine: new(sync.Map)}, err
}

func (u uploadsFolder) receive(r io.Reader, limit int64) (*Archive, error) {
	// A name of its own for every upload: two uploads of one file name never meet.
	name := rand.Text() + ".upload"
	u.mine.Store(name, true)
	file, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create upload file: %w", err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	if err = errors.Join(err, file.Close()); err != nil {
		u.remove(name)
		return nil, err
	}
	return &Archive{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil)), file: name, folder: u}, nil
}

// open validates the archive and returns its tree; bad input is an *archive.Refusal.
func (u uploadsFolder) open(name string, limits archive.Limits) (*archive.Tree, error) {
	return archive.Open(u.root.Name()+"/"+name, limits)
}

// openWhole is open for an archive that is no app.
func (u uploadsFolder) openWhole(name string, limits archive.Limits) (*archive.Tree, error) {
	return archive.OpenWhole(u.root.Name()+"/"+name, limits)
}

func (u uploadsFolder) remove(name string) {
	_ = u.root.Remove(name)
	u.mine.Delete(name)
}

// sweep removes the files that are not in owned and that another process has received:
// what a crash left behind, and never one that is being received now. Times tell
// nothing here: the clock may have been set, and the kernel's stamps lag behind it.
func (u uploadsFolder) sweep(owned map[string]bool) error {
	folder, err := u.root.Open(".")
	if err != nil {
		return fmt.Errorf("open uploads: %w", err)
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return fmt.Errorf("list uploads: %w", err)
	}
	for _, entry := range entries {
		if _, mine := u.mine.Load(entry.Name()); !mine && !owned[entry.Name()] {
			u.remove(entry.Name())
		}
	}
	return nil
}

// openPrivateFolder makes the folder if needed, narrows its mode to 0700 and opens it as a root.
func openPrivateFolder(path string) (*os.Root, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return nil, fmt.Errorf("narrow folder: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return root, nil
}
