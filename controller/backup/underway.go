package backup

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/backup/set"
	"berth/controller/wholefile"
)

// underWayFile holds what is under way. It is no row of the ledger: a backup copies the
// ledger, and a restored server would then tell of a backup that was never cut off.
const underWayFile = "under-way.json"

// begun is what the file holds.
type begun struct {
	BeganAt time.Time `json:"began_at"`
	By      string    `json:"by"`
	Drill   bool      `json:"drill,omitempty"`

	After []app.Name `json:"after,omitempty"` // whose command after the backup is still to be run
}

// remember notes that a backup or a drill is under way, for the process after this one.
// Without it that process only says less, and runs no command after the backup.
func (b *Backups) remember(now begun) {
	text, err := json.Marshal(now)
	path := b.folder(underWayFile)
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), wholefile.Write(path, text, 0o600))
	}
	if err != nil {
		b.o.Logger.Warn("note that a backup is under way", "error", err)
	}
}

func (b *Backups) forget() { _ = os.Remove(b.folder(underWayFile)) }

// giveUp records a backup or a drill that ended with the process before this one.
func (b *Backups) giveUp(ctx context.Context) error {
	text, err := os.ReadFile(b.folder(underWayFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	defer b.forget()
	var cut begun
	if err == nil {
		err = json.Unmarshal(text, &cut)
	}
	if err != nil {
		return err
	}
	if cut.Drill {
		return b.giveUpDrill(ctx, cut)
	}
	b.catchUp(ctx, cut.After)
	return b.giveUpRun(ctx, cut)
}

// giveUpRun records the end of a backup. The process may have ended between the record and
// its entry in the audit log, so that entry may come twice, and is never missing.
func (b *Backups) giveUpRun(ctx context.Context, cut begun) error {
	runs, err := b.Runs(ctx)
	if err != nil {
		return err
	}
	if len(runs) > 0 && runs[0].BeganAt.Equal(cut.BeganAt) {
		b.recordRun(ctx, runs[0])
		return nil
	}
	run := Run{BeganAt: cut.BeganAt, By: cut.By, State: Failed, Reason: "Berth ended during the backup. The next one goes on with what was sent."}
	b.recordRun(ctx, run)
	return b.keepRun(ctx, run)
}

func (b *Backups) giveUpDrill(ctx context.Context, cut begun) error {
	runs, err := b.Drills(ctx)
	if err != nil {
		return err
	}
	if len(runs) > 0 && runs[0].BeganAt.Equal(cut.BeganAt) {
		b.recordDrill(ctx, runs[0])
		return nil
	}
	run := DrillRun{BeganAt: cut.BeganAt, By: cut.By, State: Failed, Reason: "Berth ended during the drill. What it had restored is removed."}
	b.recordDrill(ctx, run)
	return b.keepDrill(ctx, run)
}

func (b *Backups) recordRun(ctx context.Context, run Run) {
	b.record(ctx, audit.ActionBackupEnd, run.Set, run.State, run.By, run.Reason)
}

func (b *Backups) recordDrill(ctx context.Context, run DrillRun) {
	b.record(ctx, audit.ActionBackupDrill, run.Set, run.State, run.By, run.Reason)
}

func (b *Backups) record(ctx context.Context, action audit.Action, of set.ID, state State, by, reason string) {
	b.o.Audit.Record(ctx, audit.Event{
		Action: action, Resource: strings.TrimSpace("backup " + string(of)), Success: state == Done, Account: by, Detail: reason,
	})
}

// catchUp runs the commands after the backup of apps whose commands before it were begun.
func (b *Backups) catchUp(ctx context.Context, apps []app.Name) {
	hooks, err := b.o.Hooks.List(ctx)
	if err != nil {
		b.o.Logger.Warn("list the commands around backups", "error", err)
		return
	}
	for _, of := range hooks {
		if slices.Contains(apps, of.App) {
			b.after(ctx, &Run{}, of)
		}
	}
}
