// Package wholefile writes a file whole, or leaves the one that is there.
package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// PartSuffix ends the name of a file that is being written. One that a killed process has
// left is written over by the next.
const PartSuffix = ".part"

// Write replaces the file, and returns once it is on the disk. One process at a time may
// write a file.
func Write(name string, content []byte, mode fs.FileMode) error {
	part := name + PartSuffix
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return SyncFolder(filepath.Dir(name))
}

// SyncFolder brings the names of a folder to the disk.
func SyncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
