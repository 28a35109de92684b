package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// fileMode is the mode of the ledger and of the files beside it, which SQLite
// creates with the mode of the ledger itself.
const fileMode fs.FileMode = 0o600

// Secure creates the ledger where there is none, so that it never exists
// with a wider mode, and narrows the mode of what a copy or a restore has left.
func Secure(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create ledger: %w", err)
	}
	// An existing ledger is not opened here: closing any descriptor of a file
	// drops all the locks that SQLite holds on it in this process.
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := narrowMode(name); err != nil {
			return fmt.Errorf("narrow mode of ledger: %w", err)
		}
	}
	return nil
}

func narrowMode(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&^fileMode == 0 {
		return nil
	}
	return os.Chmod(path, fileMode)
}
