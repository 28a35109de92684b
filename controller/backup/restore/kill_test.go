package restore_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"berth/controller/backup/restore"
	"berth/controller/backup/target"
	"berth/controller/problem"
	"berth/controller/volume/volumetest"
)

const cutOffRun = "BERTH_TEST_CUT_OFF" // in the environment of the process that is killed

// cutOffRestore is what that process restores, and the step at which it kills itself.
type cutOffRestore struct {
	Place, Key, Data, ACME, Volumes string

	At   restore.Step
	Only string // this volume alone
}

// options are those of a process that finds the volumes below a folder.
func (c cutOffRestore) options(t *testing.T) restore.Options {
	t.Helper()
	folder, err := target.OpenFolder(c.Place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	identity, err := age.ParseX25519Identity(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return restore.Options{
		From: folder, Identities: []age.Identity{identity}, Keeper: volumetest.At(t, c.Volumes),
		DataFolder: c.Data, ACMEFolder: c.ACME, Told: func(string, int64, int64) {},
	}
}

// do restores in this process.
func (c cutOffRestore) do(t *testing.T, o restore.Options) error {
	t.Helper()
	var err error
	if c.Only != "" {
		_, err = restore.Volumes(t.Context(), o, []string{c.Only}, "")
	} else {
		_, err = restore.Server(t.Context(), o)
	}
	return err
}

// TestCutOff_Process is no test: it is the process that is killed.
func TestCutOff_Process(t *testing.T) {
	text := os.Getenv(cutOffRun)
	if text == "" {
		t.Skip("only as a process of another test")
	}
	var c cutOffRestore
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	o := c.options(t)
	o.At = func(step restore.Step) {
		if step == c.At {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	t.Fatalf("it went past %q: %v", c.At, c.do(t, o))
}

// kill runs the restore in a process that is killed at its step.
func (c cutOffRestore) kill(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCutOff_Process$")
	command.Env = append(os.Environ(), cutOffRun+"="+string(text))
	output, err := command.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed at %q: %v\n%s", c.At, err, output)
	}
}

// files are all that a restore has left in its places.
func (c cutOffRestore) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, folder := range []string{c.Data, c.ACME, c.Volumes} {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for name, sum := range sums(t, folder) {
			all[filepath.Join(filepath.Base(folder), name)] = sum
		}
	}
	return all
}

func (s *server) cutOffRestore(at restore.Step) cutOffRestore {
	root := s.t.TempDir()
	c := cutOffRestore{
		Place: s.place, Key: s.private.Reveal(), At: at,
		Data: filepath.Join(root, "data"), ACME: filepath.Join(root, "acme"), Volumes: filepath.Join(root, "volumes"),
	}
	for _, folder := range []string{c.ACME, c.Volumes} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	return c
}

// TestCutOff_AtEachStepIsGivenUpOrBegunAgain kills a restore at each of its steps. It can
// be taken back without a trace, and done again as if it had not been.
func TestCutOff_AtEachStepIsGivenUpOrBegunAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.wantDone()
	whole := s.cutOffRestore("")
	if err := whole.do(t, whole.options(t)); err != nil {
		t.Fatal(err)
	}
	want := whole.files(t)
	for _, step := range restore.Steps() {
		t.Run(string(step), func(t *testing.T) {
			given := s.cutOffRestore(step)
			given.kill(t)
			cut, err := given.options(t).GiveUp(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			switch left := given.files(t); {
			case step == restore.StepCommitted:
				if cut != nil || !same(left, want) {
					t.Errorf("it had come to its end: %+v, %v", cut, left)
				}
			case len(left) != 0 || (cut != nil) != (step != restore.StepVerified):
				t.Errorf("given up: %+v, %v", cut, left)
			}
			again := s.cutOffRestore(step)
			again.kill(t)
			err = again.do(t, again.options(t))
			if step == restore.StepCommitted && problem.KindOf(err) != problem.KindConflict || step != restore.StepCommitted && err != nil {
				t.Errorf("again: %v", err)
			}
			if left := again.files(t); !same(left, want) {
				t.Errorf("again: %v, want %v", left, want)
			}
		})
	}
}

// TestCutOff_VolumeOfARunningServerLeavesTheServer kills a restore of one volume beside a
// server: the half-filled volume goes, and nothing else.
func TestCutOff_VolumeOfARunningServerLeavesTheServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.wantDone()
	for _, step := range []restore.Step{restore.StepBegun, restore.StepVolumeMade, restore.StepVolumeFilled} {
		t.Run(string(step), func(t *testing.T) {
			c := s.cutOffRestore(step)
			if err := c.do(t, c.options(t)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(c.Volumes, "volume-shop-data")); err != nil {
				t.Fatal(err)
			}
			was := c.files(t)
			c.Only = "shop-data"
			c.kill(t)
			cut, err := c.options(t).GiveUp(t.Context())
			if err != nil || cut == nil || cut.Server || !same(c.files(t), was) {
				t.Errorf("%+v, %v, left %v", cut, err, c.files(t))
			}
			c.kill(t)
			if err := c.do(t, c.options(t)); err != nil || !same(sums(t, filepath.Join(c.Volumes, "volume-shop-data")), sums(t, s.keeper.Folder("shop-data"))) {
				t.Errorf("again: %v, %v", err, c.files(t))
			}
		})
	}
}

// TestCutOff_VolumeThatWasThereBeforeIsKept has a journal that names a volume which is older.
func TestCutOff_VolumeThatWasThereBeforeIsKept(t *testing.T) {
	t.Parallel()
	c := newServer(t).cutOffRestore("")
	folder := filepath.Join(c.Data, ".restore")
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.Mkdir(filepath.Join(c.Volumes, "volume-old"), 0o700),
		os.WriteFile(filepath.Join(folder, "made.json"), []byte(`{"began_at": "2099-01-01T00:00:00Z", "volumes": ["old"]}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	if cut, err := c.options(t).GiveUp(t.Context()); err != nil || cut == nil {
		t.Errorf("%+v, %v", cut, err)
	}
	if left := c.files(t); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// TestServer_IsRefusedWhileAnotherIsUnderWay begins a restore in the middle of another.
func TestServer_IsRefusedWhileAnotherIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.wantDone()
	o := s.machine(volumetest.New(t))
	var second error
	o.At = func(step restore.Step) {
		if step != restore.StepStaged {
			return
		}
		if cut, err := restore.CutOff(o.DataFolder); !errors.Is(err, restore.ErrUnderWay) || cut == nil || !cut.Server {
			t.Errorf("it is under way: %+v, %v", cut, err)
		}
		other := o
		other.At = nil
		_, second = restore.Server(t.Context(), other)
	}
	if _, err := restore.Server(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, restore.ErrUnderWay) || !strings.Contains(second.Error(), "Another restore") {
		t.Errorf("the second: %v", second)
	}
}

// TestServer_LeavesAServerThatWasStartedMeanwhile has a ledger made while it restores.
func TestServer_LeavesAServerThatWasStartedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.wantDone()
	o := s.machine(volumetest.New(t))
	ledger := filepath.Join(o.DataFolder, "berth.db")
	o.At = func(step restore.Step) {
		if step == restore.StepFilled {
			if err := os.WriteFile(ledger, []byte("of another"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := restore.Server(t.Context(), o); err == nil {
		t.Error("restored")
	}
	if text, err := os.ReadFile(ledger); err != nil || string(text) != "of another" {
		t.Errorf("the ledger is %q, %v", text, err)
	}
}
