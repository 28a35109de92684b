package backup

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"filippo.io/age"

	"berth/controller/backup/drill"
	"berth/controller/backup/set"
	"berth/controller/problem"
	"berth/controller/room"
)

// ProveEvery is how often a backup is proven, where drills are on.
const ProveEvery = 7 * 24 * time.Hour

const (
	drillsKey    = "backup drills"
	proveAgainIn = 24 * time.Hour // after a drill that failed
)

// DrillRun is one drill: a backup that was restored aside and compared, or could not be.
type DrillRun struct {
	drill.Proof
	BeganAt time.Time     `json:"began_at"`
	Took    time.Duration `json:"took"`
	By      string        `json:"by"`
	State   State         `json:"state"`
	Reason  string        `json:"reason,omitempty"` // why it failed; safe to show
}

// drillKey is the key of the drills: the one that there is, or a new one.
func (b *Backups) drillKey(was *Drill) (*Drill, error) {
	if was != nil {
		return was, nil
	}
	private, public, err := NewKey()
	if err != nil {
		return nil, err
	}
	return &Drill{Public: public, Sealed: b.o.Key.Seal([]byte(private.Reveal()), sealDrill), Since: time.Now().UTC()}, nil
}

// StartDrill asks for a drill now. A Problem where one is under way, or drills are off.
func (b *Backups) StartDrill(ctx context.Context, by string) error {
	s, err := b.settings(ctx)
	if err != nil {
		return err
	}
	if s.Drill == nil {
		return problem.Conflict("Drills are off: the server has no key to read its backups.", "Turn drills on under Settings, Backups, and make a backup.")
	}
	if b.Progress() != nil {
		return underWay()
	}
	select {
	case b.drill <- by:
		return nil
	default:
		return underWay()
	}
}

// Drills returns the latest drills, the newest first.
func (b *Backups) Drills(ctx context.Context) (runs []DrillRun, err error) {
	text, err := b.o.Ledger.FindSetting(ctx, drillsKey)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &runs)
	}
	return runs, err
}

// LastProof is the latest drill of a backup that is good; the zero DrillRun where there is
// none.
func (b *Backups) LastProof(ctx context.Context) (DrillRun, error) {
	runs, err := b.Drills(ctx)
	if at := slices.IndexFunc(runs, func(r DrillRun) bool { return r.State == Done }); err == nil && at >= 0 {
		return runs[at], nil
	}
	return DrillRun{}, err
}

// LastProven is when the latest backup that is proven was proven, and whether drills are on.
func (b *Backups) LastProven(ctx context.Context) (at time.Time, on bool, err error) {
	s, err := b.settings(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	last, err := b.LastProof(ctx)
	return last.BeganAt, s.Drill != nil, err
}

// drillDue reports whether there is a backup that drills can read and the last proof is
// old.
func (b *Backups) drillDue(ctx context.Context, now time.Time) (bool, error) {
	s, err := b.settings(ctx)
	if err != nil || s.Drill == nil {
		return false, err
	}
	last, err := b.lastDone(ctx)
	if err != nil || last.BeganAt.Before(s.Drill.Since) {
		return false, err
	}
	runs, err := b.Drills(ctx)
	if err != nil || len(runs) == 0 {
		return err == nil, err
	}
	wait := ProveEvery
	if runs[0].State == Failed {
		wait = proveAgainIn
	}
	return now.Sub(runs[0].BeganAt) >= wait, nil
}

// prove makes one drill and records how it ended.
func (b *Backups) prove(ctx context.Context, by string) {
	run := DrillRun{BeganAt: time.Now().UTC(), By: by, State: Done}
	b.begin(Progress{BeganAt: run.BeganAt, By: by, Drill: true, Part: "backup"})
	defer b.forget()
	var err error
	run.Proof, err = b.proveNewest(ctx)
	b.end()
	if run.Took = time.Since(run.BeganAt); err != nil {
		run.State, run.Reason = Failed, reasonOf(err)
		b.o.Logger.Error("prove backup", "set", string(run.Set), "error", err)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	if err := b.keepDrill(ending, run); err != nil {
		b.o.Logger.Error("record drill", "error", err)
	}
	b.recordDrill(ending, run)
}

func (b *Backups) keepDrill(ctx context.Context, run DrillRun) error {
	runs, err := b.Drills(ctx)
	if err != nil {
		return err
	}
	runs = append([]DrillRun{run}, runs...)
	// The last proof stays, however many fail after it.
	if proof := slices.IndexFunc(runs, func(r DrillRun) bool { return r.State == Done }); proof >= runsKept {
		runs = append(runs[:runsKept-1], runs[proof])
	}
	text, err := json.Marshal(runs[:min(len(runs), runsKept)])
	if err != nil {
		return err
	}
	return b.o.Ledger.UpdateSetting(ctx, drillsKey, string(text))
}

func (b *Backups) proveNewest(ctx context.Context) (drill.Proof, error) {
	s, err := b.settings(ctx)
	if err != nil {
		return drill.Proof{}, err
	}
	if s.Drill == nil {
		return drill.Proof{}, problem.Conflict("Drills are off.", "Turn drills on under Settings, Backups.")
	}
	if err := room.Of(b.o.DataFolder).Refuse(); err != nil {
		return drill.Proof{}, err
	}
	private, err := b.o.Key.Open(s.Drill.Sealed, sealDrill)
	if err != nil {
		return drill.Proof{}, err
	}
	identity, err := age.ParseX25519Identity(string(private))
	if err != nil {
		return drill.Proof{}, errors.New("the key of the drills is none") // the error may show it
	}
	from, closeTarget, err := b.open(s)
	if err != nil {
		return drill.Proof{}, err
	}
	defer func() { _ = closeTarget() }()
	proof, err := drill.Prove(ctx, drill.Options{
		From: from, Identities: []age.Identity{identity}, Keeper: b.o.Keeper, Folder: b.folder("drill"), Examine: b.o.Examine,
		Told: func(what string, bytes, of int64) {
			b.note(func(p *Progress) { p.Part, p.Read, p.Total = what, bytes, of })
		},
	})
	if errors.Is(err, set.ErrWrongKey) {
		err = problem.Conflict("The newest backup is not encrypted to the key of the drills.", "Make a backup first.").Because(err)
	}
	return proof, err
}
