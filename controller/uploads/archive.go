package uploads

import (
	"errors"
	"fmt"
)

// Archive is the file of an upload, received in full and not yet looked into.
// It belongs to whoever holds it until somebody takes it; Discard removes it.
type Archive struct {
	Name   string // the name that the person's file had; shown only
	Bytes  int64
	SHA256 string

	file   string // name inside the folder; empty when it was taken or discarded
	folder Folder
}

// File is the name inside the folder, as Folder.Open takes it; empty when the archive
// was taken or discarded.
func (a *Archive) File() string { return a.file }

// Take returns the archive for a holder of its own, and leaves a without a file.
func (a *Archive) Take() *Archive {
	taken := *a
	a.file = ""
	return &taken
}

// Discard removes the file. It may be called twice, and after somebody took the archive
// it does nothing.
func (a *Archive) Discard() {
	if a == nil || a.file == "" {
		return
	}
	a.folder.Remove(a.file)
	a.file = ""
}

// Sync waits until the file is on disk: an accepted release must find it after a power cut.
func (a *Archive) Sync() error {
	if a == nil || a.file == "" {
		return nil
	}
	file, err := a.folder.root.Open(a.file)
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	return errors.Join(file.Sync(), file.Close())
}
