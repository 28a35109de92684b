package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"berth/controller/backup/set"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/wholefile"
)

// What a restore keeps in the data folder until it has ended, all of it in one folder.
const (
	journalFolder = ".restore"
	lockFile      = "lock"      // held while the process lives
	journalFile   = "made.json" // what is made; written before the first of it
	stagedFolder  = "staged"    // the files of the server, until all volumes are filled
)

// Journal says what a restore makes, so that a process after it can take it back.
type Journal struct {
	Set     set.ID        `json:"set"`
	BeganAt time.Time     `json:"began_at"`
	Server  bool          `json:"server,omitempty"` // of a whole server, not of volumes alone
	Volumes []volume.Name `json:"volumes,omitempty"`
	Entries []string      `json:"entries,omitempty"` // of the data folder, put in place before the ledger
	ACME    bool          `json:"acme,omitempty"`    // the issued certificates are put in place
}

// ErrUnderWay says that another process restores into the data folder.
var ErrUnderWay = errors.New("a restore is under way")

// hold is the journal of a restore that is under way, and its lock.
type hold struct {
	folder string
	lock   *os.File
	Journal
}

func (h *hold) path(name string) string { return filepath.Join(h.folder, name) }

// takeHold makes the folder and locks it. The lock ends with the process.
func takeHold(data string) (*hold, error) {
	folder := filepath.Join(data, journalFolder)
	for {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("make a folder: %w", err)
		}
		lock, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_CREATE|os.O_RDWR, fileMode)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the restore before has just ended
		}
		if err != nil {
			return nil, fmt.Errorf("open the lock of the restore: %w", err)
		}
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = problem.Conflict("Another restore is under way in "+data+".", "Wait until it has ended.").Because(ErrUnderWay)
		}
		if err == nil && !isStill(lock) {
			_ = lock.Close()
			continue
		}
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		return &hold{folder: folder, lock: lock}, nil
	}
}

// isStill reports whether the file is the one of its name: who ends a restore removes it.
func isStill(file *os.File) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(held, named)
}

// write keeps the journal, whole or as it was before.
func (h *hold) write() error {
	text, err := json.Marshal(h.Journal)
	if err == nil {
		err = wholefile.Write(h.path(journalFile), text, fileMode)
	}
	if err != nil {
		return fmt.Errorf("note what the restore makes: %w", err)
	}
	return nil
}

// read returns fs.ErrNotExist where nothing was made yet.
func (h *hold) read() error {
	text, err := os.ReadFile(h.path(journalFile))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &h.Journal)
}

// end removes the folder, and the lock with it.
func (h *hold) end() error { return errors.Join(os.RemoveAll(h.folder), h.lock.Close()) }

// leave keeps the folder for the process that gives the restore up.
func (h *hold) leave() error { return h.lock.Close() }

// CutOff returns the journal of a restore into the data folder whose process has ended
// before it did, and nil where there is none. ErrUnderWay is the error while a process
// lives; the journal is there with it once anything is made.
func CutOff(data string) (*Journal, error) {
	held, err := takeCutOff(data)
	if errors.Is(err, ErrUnderWay) {
		other := hold{folder: filepath.Join(data, journalFolder)}
		if other.read() != nil {
			return nil, err
		}
		return &other.Journal, err
	}
	if held == nil || err != nil {
		return nil, err
	}
	return &held.Journal, held.leave()
}

// takeCutOff takes over a restore that was cut off; nil where there is none, or where it
// was cut off before it made anything.
func takeCutOff(data string) (*hold, error) {
	if _, err := os.Lstat(filepath.Join(data, journalFolder)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	held, err := takeHold(data)
	if err != nil {
		return nil, err
	}
	err = held.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, held.end()
	}
	if err != nil {
		return nil, errors.Join(err, held.leave())
	}
	return held, nil
}

// GiveUp takes back what a restore has made whose process has ended before it did, and
// returns its journal; nil where there is none. Of a restore that came to its end only
// the journal is removed. Needed of o are Keeper, DataFolder and ACMEFolder.
func (o Options) GiveUp(ctx context.Context) (*Journal, error) {
	held, err := takeCutOff(o.DataFolder)
	if held == nil || err != nil {
		return nil, err
	}
	if held.Server && o.hasLedger() {
		return nil, held.end()
	}
	return &held.Journal, o.takeBack(ctx, held)
}

// takeBack removes what is in the journal, and the journal once all of it is gone.
func (o Options) takeBack(ctx context.Context, held *hold) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	var errs []error
	for _, name := range held.Volumes {
		errs = append(errs, o.removeMade(ctx, name, held.BeganAt))
	}
	for _, entry := range held.Entries {
		errs = append(errs, os.RemoveAll(filepath.Join(o.DataFolder, entry)))
	}
	if held.ACME {
		errs = append(errs, removeFile(o.acmeFile()), removeFile(o.acmeFile()+wholefile.PartSuffix))
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(fmt.Errorf("take back what the restore has made: %w", err), held.leave())
	}
	return held.end()
}

// removeMade removes a volume, but not one that has stayed as it is since before the
// restore began. The engine tells whole seconds.
func (o Options) removeMade(ctx context.Context, name volume.Name, began time.Time) error {
	found, err := o.Keeper.FindVolume(ctx, name)
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.CreatedAt.Before(began.Truncate(time.Second)) {
		return nil
	}
	for deadline := time.Now().Add(helperEnds); ; {
		err := o.Keeper.RemoveVolume(ctx, name)
		if !errors.Is(err, docker.ErrVolumeInUse) || time.Now().After(deadline) || pause.For(ctx, helperPause) != nil {
			return err
		}
	}
}

// A killed process leaves a helper that has the volume until the engine has seen its end.
const (
	helperEnds  = 15 * time.Second
	helperPause = 250 * time.Millisecond
)

func removeFile(name string) error {
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Step is a moment of a restore at which its process may end.
type Step string

// The steps, in their order. StepVolumeMade and StepVolumeFilled come for each volume.
const (
	StepVerified     Step = "verified"
	StepBegun        Step = "begun"
	StepStaged       Step = "staged"
	StepVolumeMade   Step = "volume made"
	StepVolumeFilled Step = "volume filled"
	StepFilled       Step = "filled"
	StepEntries      Step = "entries in place"
	StepCertificates Step = "certificates in place"
	StepCommitted    Step = "committed"
)

// Steps are those of a whole server.
func Steps() []Step {
	return slices.Clone([]Step{
		StepVerified, StepBegun, StepStaged, StepVolumeMade, StepVolumeFilled, StepFilled, StepEntries, StepCertificates, StepCommitted,
	})
}
