package backup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"time"

	"berth/controller/backup/drill"
	"berth/controller/problem"
)

// lookEvery is how often the schedule looks at the clock: the clock may be set.
const lookEvery = 30 * time.Second

// Start asks for a backup now. A Problem where there is one under way, or none is set up.
func (b *Backups) Start(ctx context.Context, by string) error {
	s, err := b.settings(ctx)
	if err != nil {
		return err
	}
	if !s.Ready() {
		return problem.Conflict("Backups are not set up.", "Choose a key and a place under Settings, Backups.")
	}
	if b.Progress() != nil {
		return underWay()
	}
	select {
	case b.asked <- by:
		return nil
	default:
		return underWay()
	}
}

func underWay() error {
	return problem.Conflict("A backup or a drill is under way.", "Wait for its end.")
}

// Run makes backups as they are asked for, and on the schedule, until ctx ends.
func (b *Backups) Run(ctx context.Context) error {
	_ = os.RemoveAll(b.folder("still")) // of a process that was killed
	if err := drill.Sweep(ctx, b.o.Keeper, b.folder("drill")); err != nil {
		b.o.Logger.Warn("remove what a drill has left", "error", err)
	}
	if err := b.giveUp(ctx); err != nil {
		b.o.Logger.Warn("record a backup that was cut off", "error", err)
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case by := <-b.asked:
			b.backUp(ctx, by)
		case by := <-b.drill:
			b.prove(ctx, by)
		case <-ticker.C:
			b.look(ctx)
		}
	}
}

// look does what the schedule asks for.
func (b *Backups) look(ctx context.Context) {
	now := time.Now()
	due, err := b.due(ctx, now)
	if err == nil && due {
		b.backUp(ctx, scheduler)
		return
	}
	if err == nil {
		due, err = b.drillDue(ctx, now)
	}
	if err != nil {
		b.o.Logger.Warn("read schedule of backups", "error", err)
	} else if due {
		b.prove(ctx, scheduler)
	}
}

// due reports whether the last time of the schedule has passed without a backup. A failed
// one is tried again after an hour.
func (b *Backups) due(ctx context.Context, now time.Time) (bool, error) {
	s, err := b.settings(ctx)
	if err != nil || !s.Ready() || !s.Scheduled {
		return false, err
	}
	runs, err := b.Runs(ctx)
	if err != nil {
		return false, err
	}
	planned, err := s.lastPlanned(now)
	if err != nil {
		return false, err
	}
	for _, run := range runs {
		switch {
		case run.State == Done && !run.BeganAt.Before(planned):
			return false, nil
		case run.State == Failed && now.Sub(run.BeganAt) < time.Hour && !run.BeganAt.After(now):
			return false, nil
		}
	}
	return true, nil
}

// lastPlanned is the latest time of the schedule that is not after now. An hour that a
// change of the clock leaves out is the hour after it.
func (s Settings) lastPlanned(now time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.Time{}, err
	}
	local := now.In(zone)
	planned := time.Date(local.Year(), local.Month(), local.Day(), s.Hour, s.Minute, 0, 0, zone)
	if planned.After(now) {
		planned = time.Date(local.Year(), local.Month(), local.Day()-1, s.Hour, s.Minute, 0, 0, zone)
	}
	return planned, nil
}

// View is what a page shows.
type View struct {
	Settings Settings
	Runs     []Run // the newest first
	Progress *Progress
	Last     *Run // the newest that was whole; nil where there is none
	Drills   []DrillRun
}

// View returns the settings, what was made and what is under way. It asks only the ledger.
func (b *Backups) View(ctx context.Context) (View, error) {
	s, err := b.settings(ctx)
	if err != nil {
		return View{}, err
	}
	runs, err := b.Runs(ctx)
	if err != nil {
		return View{}, err
	}
	view := View{Settings: s, Runs: runs, Progress: b.Progress()}
	for at := range runs {
		if runs[at].State == Done {
			view.Last = &runs[at]
			break
		}
	}
	view.Drills, err = b.Drills(ctx)
	return view, err
}

// Update replaces the settings, once the place has been tried. Problems name the fields.
func (b *Backups) Update(ctx context.Context, wish Wish) error {
	was, err := b.settings(ctx)
	if err != nil {
		return err
	}
	s, err := b.parse(wish, was)
	if err != nil {
		return err
	}
	if err := b.try(ctx, s); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return b.o.Ledger.UpdateSetting(ctx, settingsKey, string(text))
}

const tryTimeout = 30 * time.Second

// try writes a small object to the place and removes it.
func (b *Backups) try(ctx context.Context, s Settings) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	if s.Place.Folder != "" {
		_ = os.Mkdir(s.Place.Folder, 0o700) // opening it says what is wrong with it
	}
	to, closeTarget, err := b.open(s)
	if err != nil {
		return err
	}
	defer func() { _ = closeTarget() }()
	const name = "berth-test"
	if err = to.Put(ctx, name, []byte("Berth tries whether it can write here.\n")); err == nil {
		err = to.Remove(ctx, name)
	}
	if err == nil {
		return nil
	}
	field := FieldEndpoint
	if s.Place.Folder != "" {
		field = FieldFolder
	}
	return problem.Invalid("The place cannot be used. "+reasonOf(err), "Check the place and its credentials.").At(field).Because(err)
}

func newRepository() string { return rand.Text() }
