package backup

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"berth/controller/audit"
)

// underWayFile holds what is under way. It is no row of the ledger: a backup copies the
// ledger, and a restored server would then tell of a backup that was never cut off.
const underWayFile = "under-way.json"

// begun is what the file holds.
type begun struct {
	BeganAt time.Time `json:"began_at"`
	By      string    `json:"by"`
	Drill   bool      `json:"drill,omitempty"`
}

// remember notes that a backup or a drill is under way, for the process after this one.
// Without it that process only says less.
func (b *Backups) remember(p Progress) {
	text, err := json.Marshal(begun{p.BeganAt, p.By, p.Drill})
	path := b.folder(underWayFile)
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600))
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
	event := audit.Event{Action: audit.ActionBackupEnd, Resource: "backup", Account: cut.By}
	if cut.Drill {
		event.Action, event.Detail = audit.ActionBackupDrill, "Berth ended during the drill. What it had restored is removed."
		err = b.giveUpDrill(ctx, cut, event.Detail)
	} else {
		event.Detail = "Berth ended during the backup. The next one goes on with what was sent."
		err = b.giveUpRun(ctx, cut, event.Detail)
	}
	if errors.Is(err, errRecorded) {
		return nil
	}
	b.o.Audit.Record(ctx, event)
	return err
}

// errRecorded says that the end was recorded before the process ended.
var errRecorded = errors.New("it is recorded already")

func (b *Backups) giveUpRun(ctx context.Context, cut begun, reason string) error {
	runs, err := b.Runs(ctx)
	if err != nil {
		return err
	}
	if len(runs) > 0 && runs[0].BeganAt.Equal(cut.BeganAt) {
		return errRecorded
	}
	return b.keepRun(ctx, Run{BeganAt: cut.BeganAt, By: cut.By, State: Failed, Reason: reason})
}

func (b *Backups) giveUpDrill(ctx context.Context, cut begun, reason string) error {
	runs, err := b.Drills(ctx)
	if err != nil {
		return err
	}
	if len(runs) > 0 && runs[0].BeganAt.Equal(cut.BeganAt) {
		return errRecorded
	}
	return b.keepDrill(ctx, DrillRun{BeganAt: cut.BeganAt, By: cut.By, State: Failed, Reason: reason})
}
