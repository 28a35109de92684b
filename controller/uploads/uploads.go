// Package uploads keeps the archives that people send, each in a file of its own, until
// nobody needs them any more.
package uploads

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"berth/controller/archive"
	"berth/controller/problem"
)

var errTooLarge = errors.New("larger than the limit")

// Folder is the folder that received archives wait in. It is safe for concurrent use.
type Folder struct {
	root   *os.Root
	limits archive.Limits
	mine   *sync.Map    // names that this process has received, until it removes them
	refuse func() error // says why nothing is received now; nil: never
}

// New returns the Folder of a root that nobody else can read. The limits are those of
// each archive.
func New(root *os.Root, limits archive.Limits) Folder {
	return Folder{root: root, limits: limits, mine: new(sync.Map)}
}

// RefuseWhile returns the folder that receives nothing while refuse says why: a Problem.
func (f Folder) RefuseWhile(refuse func() error) Folder {
	f.refuse = refuse
	return f
}

// Refuse says why nothing is received now; nil where something is.
func (f Folder) Refuse() error {
	if f.refuse == nil {
		return nil
	}
	return f.refuse()
}

// Limits are those of each archive.
func (f Folder) Limits() archive.Limits { return f.limits }

// Receive streams an archive to a file of its own, mode 0600. More than the limit of an
// archive is a Problem of problem.KindTooLarge, and leaves nothing behind, as does an
// error of r.
func (f Folder) Receive(r io.Reader) (*Archive, error) {
	if err := f.Refuse(); err != nil {
		return nil, problem.AtField("archive", err)
	}
	received, err := f.receive(r)
	if errors.Is(err, errTooLarge) {
		return nil, problem.TooLarge(
			fmt.Sprintf("The archive is larger than %d MB.", f.limits.CompressedBytes>>20),
			"Leave out what the build does not need, such as .git, node_modules and test data.",
		).At("archive")
	}
	if problem.IsDiskFull(err) {
		return nil, problem.DiskFull("archive", err)
	}
	return received, err
}

// Open validates the archive of an app and returns its tree; bad input is an
// *archive.Refusal.
func (f Folder) Open(file string) (*archive.Tree, error) {
	tree, err := archive.OpenApp(f.root.Name()+"/"+file, f.limits)
	if err == nil {
		tree.Choose(chosenOf(file))
	}
	return tree, err
}

// OpenWhole is Open for an archive that is no app.
func (f Folder) OpenWhole(file string) (*archive.Tree, error) {
	return archive.OpenWhole(f.root.Name()+"/"+file, f.limits)
}

// Remove removes the file of an archive, if it is there.
func (f Folder) Remove(file string) {
	_ = f.root.Remove(file)
	f.mine.Delete(file)
}

// Sweep removes the files that are not in owned and that another process has received:
// what a crash left behind, and never one that is being received now. Times tell
// nothing here: the clock may have been set, and the kernel's stamps lag behind it.
func (f Folder) Sweep(owned map[string]bool) error {
	folder, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("open uploads: %w", err)
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return fmt.Errorf("list uploads: %w", err)
	}
	for _, entry := range entries {
		if _, mine := f.mine.Load(entry.Name()); !mine && !owned[entry.Name()] {
			f.Remove(entry.Name())
		}
	}
	return nil
}

func (f Folder) receive(r io.Reader) (*Archive, error) {
	// A name of its own for every upload: two uploads of one file name never meet.
	name := rand.Text() + suffix
	f.mine.Store(name, true)
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create upload file: %w", err)
	}
	limit := f.limits.CompressedBytes
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	if err = errors.Join(err, file.Close()); err != nil {
		f.Remove(name)
		return nil, err
	}
	return &Archive{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil)), file: name, folder: f}, nil
}
