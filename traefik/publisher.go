package traefik

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const publishedName = "berth.yml"

// TemporaryPrefix begins the name of a half-written file, at the top of the proxy's
// folders. A killed process leaves such a file.
const TemporaryPrefix = ".berth-"

const (
	publicMode  fs.FileMode = 0o644 // the file holds no secret
	privateMode fs.FileMode = 0o600 // the proxy runs as the same user as Berth
)

// Publisher writes the one dynamic file. It is safe for concurrent use; the last
// published configuration stays.
type Publisher struct {
	folder   string
	mutex    sync.Mutex
	document document
	users    usersFiles // of the last published configuration
}

// NewPublisher returns a Publisher into folder, which WriteStatic made.
func NewPublisher(folder string) *Publisher { return &Publisher{folder: folder} }

// Publish writes configuration to the file that the proxy reads, and reports whether the
// file changed. The file appears as a whole or not at all: after an error the last file
// stays.
func (p *Publisher) Publish(configuration *Configuration) (changed bool, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	hidden, users := hideUsers(configuration)
	file, err := p.document.encode(hidden)
	if err != nil {
		return false, fmt.Errorf("publish configuration: %w", err)
	}
	if err := users.write(p.folder, appUsers); err != nil {
		return false, fmt.Errorf("publish configuration: %w", err)
	}
	changed, err = replaceFile(p.folder, filepath.Join(p.folder, dynamicFolder, publishedName), file, privateMode)
	if err != nil {
		return false, fmt.Errorf("publish configuration: %w", err)
	}
	if err := users.sweep(p.folder, appUsers, p.users); err != nil {
		return false, fmt.Errorf("publish configuration: %w", err)
	}
	p.users = users
	return changed, nil
}

// replaceFile writes content to path, unless the file has that content, through a
// temporary file in folder. That folder is not the one that the proxy watches, because
// each event there makes the proxy read everything again.
func replaceFile(folder, path string, content []byte, mode fs.FileMode) (changed bool, err error) {
	if current, err := os.ReadFile(path); err == nil && bytes.Equal(current, content) {
		return false, nil
	}
	temporary, err := writeTemporary(folder, content, mode)
	if err != nil {
		return false, err
	}
	// The rename needs no sync of its own: after a power cut the last good file may be
	// back, and Berth publishes again at its start.
	if err := os.Rename(temporary, path); err != nil {
		return false, errors.Join(err, os.Remove(temporary))
	}
	return true, nil
}

// writeTemporary returns the name of a synced file with content, after reading it back.
func writeTemporary(folder string, content []byte, mode fs.FileMode) (name string, err error) {
	file, err := os.CreateTemp(folder, TemporaryPrefix+"*.tmp")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = giveToOwner(file, folder)
	}
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	written, err := os.ReadFile(file.Name())
	if err != nil {
		return "", err
	}
	if !bytes.Equal(written, content) {
		return "", fmt.Errorf("%s does not hold what was written to it", file.Name())
	}
	return file.Name(), nil
}

// giveToOwner gives the file to the owner of the folder, if Berth runs as root and the
// proxy does not.
func giveToOwner(file *os.File, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	information, err := os.Stat(folder)
	if err != nil {
		return err
	}
	user, group, known := ownerOf(information)
	if !known {
		return nil
	}
	return file.Chown(user, group)
}
