package restore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/backup/drill"
	"berth/controller/backup/hook"
	"berth/controller/backup/restore"
	"berth/controller/docker"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/volume"
	"berth/controller/volume/volumetest"
	"berth/test/patience"
)

const doomedRun = "BERTH_TEST_DOOMED" // in the environment of the process that is killed

// doomed is a process that makes a backup or a drill, and is killed at a call to the outside.
type doomed struct {
	Data, ACME, Volumes string

	Diary string // file that gets a line for each call, before it is made
	Drill bool
	At    int // which call; 0 survives
}

// door counts the calls to the outside.
type door struct {
	t *testing.T
	doomed

	calls atomic.Int64
}

func (d *door) pass(call string) {
	calls := d.calls.Add(1)
	diary, err := os.OpenFile(d.Diary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(diary, call)
	}
	if err = errors.Join(err, diary.Close()); err != nil {
		d.t.Error(err)
	}
	if calls == int64(d.At) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type doomedLedger struct {
	*store.Store

	door *door
}

func (l doomedLedger) UpdateSetting(ctx context.Context, key, value string) error {
	l.door.pass("record " + key)
	return l.Store.UpdateSetting(ctx, key, value)
}

func (l doomedLedger) CopyTo(ctx context.Context, path string) error {
	l.door.pass("copy the ledger")
	return l.Store.CopyTo(ctx, path)
}

type doomedKeeper struct {
	*volumetest.Keeper

	door *door
}

func (k doomedKeeper) CreateVolume(ctx context.Context, name volume.Name, description string) error {
	k.door.pass("make " + string(name))
	return k.Keeper.CreateVolume(ctx, name, description)
}

func (k doomedKeeper) OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error) {
	k.door.pass("open " + string(name))
	return k.Keeper.OpenVolume(ctx, name, access)
}

func (k doomedKeeper) RemoveVolume(ctx context.Context, name volume.Name) error {
	k.door.pass("remove " + string(name))
	return k.Keeper.RemoveVolume(ctx, name)
}

// doomedHooks write each command into the diary, as an entry that begins with "run".
type doomedHooks struct {
	hooks

	door *door
}

func (h *doomedHooks) Run(_ context.Context, _ hook.Hook, command []string) error {
	h.door.pass("run " + command[0])
	return nil
}

type doomedAudit struct{ door *door }

func (a doomedAudit) Record(_ context.Context, event audit.Event) {
	if event.Action == audit.ActionBackupEnd || event.Action == audit.ActionBackupDrill {
		a.door.pass("about to audit")
		a.door.pass("audited")
	}
}

func shopHook() []hook.Hook {
	return []hook.Hook{{App: "shop", Before: []string{"dump"}, After: []string{"rm"}}}
}

// TestDoomed_Process is no test: it is the process that is killed.
func TestDoomed_Process(t *testing.T) {
	text := os.Getenv(doomedRun)
	if text == "" {
		t.Skip("only as a process of another test")
	}
	door := &door{t: t}
	if err := json.Unmarshal([]byte(text), &door.doomed); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), filepath.Join(door.Data, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ledger.Close() }()
	key, err := secret.LoadKey(filepath.Join(door.Data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	backups := backup.New(backup.Options{
		Ledger: doomedLedger{ledger, door}, Keeper: doomedKeeper{volumetest.At(t, door.Volumes), door},
		Hooks: &doomedHooks{hooks{all: shopHook()}, door}, Audit: doomedAudit{door}, Key: key, DataFolder: door.Data, ACMEFolder: door.ACME,
		Stack: "berth", Version: "test", Examine: func(context.Context, string, func(string)) (drill.Content, error) {
			door.pass("examine")
			return drill.Content{}, nil
		}, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- backups.Run(ctx) }()
	if door.Drill {
		err = backups.StartDrill(ctx, "ada")
	} else {
		err = backups.Start(ctx, "ada")
	}
	if err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(door.Data, "backups", "under-way.json")
	if !patience.Eventually(time.Minute, func() bool { _, err := os.Lstat(note); return door.calls.Load() > 0 && os.IsNotExist(err) }) {
		t.Fatal("it does not end")
	}
	cancel()
	<-stopped
	t.Logf("calls %d.", door.calls.Load())
}

// run returns how many calls the process made that was not killed.
func (d doomed) run(t *testing.T) int {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDoomed_Process$", "-test.v")
	command.Env = append(os.Environ(), doomedRun+"="+string(text))
	output, err := command.CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && d.At > 0 && ended.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return 0
	}
	_, found, _ := strings.Cut(string(output), "calls ")
	count, _, _ := strings.Cut(found, ".")
	calls, parseErr := strconv.Atoi(count)
	if err != nil || parseErr != nil || d.At > 0 {
		t.Fatalf("killed at call %d: %v\n%s", d.At, err, output)
	}
	return calls
}

// TestDoomed_AtEachCallIsGivenUpInWords kills a process at each call to the outside that it
// makes in a backup and in a drill, one after the other on the same server, and looks at
// what the next one makes of it.
func TestDoomed_AtEachCallIsGivenUpInWords(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it kills dozens of processes")
	}
	s := newServer(t)
	s.examine = func(string) (drill.Content, error) { return drill.Content{}, nil }
	s.drillOn()
	s.hooks.all = shopHook()
	for _, drilled := range []bool{false, true} {
		d := doomed{Data: s.data, ACME: s.acme, Volumes: filepath.Dir(s.keeper.Folder("shop-data")), Diary: filepath.Join(t.TempDir(), "diary"), Drill: drilled}
		calls := d.run(t)
		if calls < 8 {
			t.Fatalf("it made %d calls", calls)
		}
		for d.At = 1; d.At <= calls; d.At++ {
			s.doom(d)
		}
	}
	s.hooks.ran = nil
	s.wantDone()
	keeper := volumetest.New(t)
	if _, err := restore.Server(t.Context(), s.machine(keeper)); err != nil {
		t.Fatal(err)
	}
	if !same(sums(t, s.keeper.Folder("shop-data")), sums(t, keeper.Folder("shop-data"))) {
		t.Error("a volume differs")
	}
	if run := s.prove(); run.State != backup.Done {
		t.Errorf("the last drill: %+v", run)
	}
}

// doom kills one process, and lets the next one begin.
func (s *server) doom(d doomed) {
	s.t.Helper()
	if err := os.RemoveAll(d.Diary); err != nil {
		s.t.Fatal(err)
	}
	s.hooks.ran, s.audit.events = nil, nil
	d.run(s.t)
	s.keeper = volumetest.At(s.t, d.Volumes)
	s.reopen()
	s.afterAStart()
	content, err := os.ReadFile(d.Diary)
	if err != nil {
		s.t.Fatal(err)
	}
	diary := strings.Split(strings.TrimSpace(string(content)), "\n")
	at := fmt.Sprintf("drill %t, killed at %d, %q", d.Drill, d.At, diary[len(diary)-1])
	last, audited := s.lastEnd(d.Drill)
	if killedAfter := strings.Contains(string(content), "about to audit"); (last == backup.Done) != killedAfter {
		s.t.Errorf("%s: the end is recorded as %s", at, last)
	}
	if !audited && !strings.Contains(string(content), "audited\n") {
		s.t.Errorf("%s: the audit log does not know", at)
	}
	for _, ran := range s.hooks.ran {
		diary = append(diary, "run "+strings.TrimPrefix(ran, "shop "))
	}
	dumped, removed := strings.LastIndex(strings.Join(diary, "\n"), "run dump"), strings.LastIndex(strings.Join(diary, "\n"), "run rm")
	if dumped > removed {
		s.t.Errorf("%s: the dump was not removed: %v", at, diary)
	}
	s.wantNothingLeft()
	if _, err := os.Lstat(filepath.Join(s.data, "backups", "still")); !os.IsNotExist(err) {
		s.t.Errorf("%s: a copy of the ledger is left: %v", at, err)
	}
	if err := s.ledger.CopyTo(s.t.Context(), filepath.Join(s.t.TempDir(), "checked.db")); err != nil { // it checks the ledger's integrity
		s.t.Errorf("%s: %v", at, err)
	}
}

// lastEnd is how the last backup or drill ended, and whether this process has audited it.
func (s *server) lastEnd(drilled bool) (state backup.State, audited bool) {
	s.t.Helper()
	action := audit.ActionBackupEnd
	if drilled {
		action = audit.ActionBackupDrill
		runs, err := s.backups.Drills(s.t.Context())
		if err != nil || len(runs) == 0 {
			s.t.Fatal(runs, err)
		}
		state = runs[0].State
	} else {
		runs, err := s.backups.Runs(s.t.Context())
		if err != nil || len(runs) == 0 {
			s.t.Fatal(runs, err)
		}
		state = runs[0].State
	}
	for _, event := range s.audit.events {
		audited = audited || event.Action == action
	}
	return state, audited
}
