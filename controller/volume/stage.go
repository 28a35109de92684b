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

// hasLeftovers reports whether there is a stage that sweepStages would remove.
func hasLeftovers(root *os.Root) (found bool, err error) {
	err = eachName(root, func(name string) error {
		if !strings.HasPrefix(name, stagePrefix) {
			return nil
		}
		lock, abandoned, err := lockStage(root, name)
		if lock != nil {
			_ = lock.Close()
		}
		if found = found || abandoned; found && err == nil {
			return errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// sweepStage removes a stage that nobody holds. What an app put there under such
// a name goes too: the name is not its to use.
func sweepStage(root *os.Root, name string) error {
	lock, abandoned, err := lockStage(root, name)
	if err != nil || !abandoned {
		return err
	}
	if lock == nil {
		return skipMissing(root.Remove(name))
	}
	defer lock.Close()
	if err := root.RemoveAll(name); err != nil {
		return fmt.Errorf("remove what an upload left: %w", err)
	}
	return nil
}

// lockStage reports whether nobody holds what has the name, and where it is a folder
// takes the lock of it, which the caller closes.
func lockStage(root *os.Root, name string) (lock *os.File, abandoned bool, err error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, false, skipMissing(err)
	}
	if !info.IsDir() {
		return nil, true, nil
	}
	// An app may put something else there meanwhile, such as a pipe that nobody writes to.
	lock, err = root.OpenFile(name, openFolder, 0)
	if err != nil {
		return nil, false, skipMissing(err)
	}
	if tryLock(lock) != nil {
		return nil, false, lock.Close()
	}
	return lock, true, nil
}
