package volume

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// stageAttempts is how often another keeper's clean-up may be met by chance.
const stageAttempts = 5

// stage is a folder at the top of the volume that content waits in until it is
// whole. It is locked as long as its keeper lives.
type stage struct {
	root *os.Root // the volume's
	name string
	lock *os.File
}

// newStage makes a stage, and removes those whose keepers were killed.
func newStage(root *os.Root) (*stage, error) {
	if err := sweepStages(root); err != nil {
		return nil, err
	}
	for range stageAttempts {
		made, err := tryStage(root)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.EWOULDBLOCK) {
			return made, err
		}
	}
	return nil, errors.New("the folder for what comes in is removed again and again")
}

// tryStage fails where another keeper took the folder for a dead one's before it
// was locked.
func tryStage(root *os.Root) (*stage, error) {
	name := stagePrefix + rand.Text()
	if err := root.Mkdir(name, 0o700); err != nil {
		return nil, explain("", err)
	}
	lock, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	made := &stage{root: root, name: name, lock: lock}
	if err := tryLock(lock); err != nil {
		_ = lock.Close()
		return nil, err
	}
	if _, err := root.Lstat(name); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return made, nil
}

// path returns where name is below the volume's root while it waits.
func (s *stage) path(name string) string { return s.name + "/" + name }

// remove removes what is still waiting. The lock goes last.
func (s *stage) remove() error { return errors.Join(s.root.RemoveAll(s.name), s.lock.Close()) }

func sweepStages(root *os.Root) error {
	return eachName(root, func(name string) error {
		if !strings.HasPrefix(name, stagePrefix) {
			return nil
		}
		return sweepStage(root, name)
	})
}

// sweepStage removes a stage that nobody holds. What an app put there under such
// a name goes too: the name is not its to use.
func sweepStage(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return skipMissing(err)
	}
	if !info.IsDir() {
		return skipMissing(root.Remove(name))
	}
	lock, err := root.Open(name)
	if err != nil {
		return skipMissing(err)
	}
	defer lock.Close()
	if tryLock(lock) != nil {
		return nil
	}
	if err := root.RemoveAll(name); err != nil {
		return fmt.Errorf("remove what an upload left: %w", err)
	}
	return nil
}

// tryLock locks the folder for as long as the file is open, or fails at once.
func tryLock(folder *os.File) error {
	return syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
