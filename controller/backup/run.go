package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"berth/controller/app"
	"berth/controller/backup/drill"
	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/room"
)

// State is how a run ended.
type State string

// The states of a run.
const (
	Done   State = "done"
	Failed State = "failed"
)

// Run is one backup that was made, or not.
type Run struct {
	Set      set.ID        `json:"set,omitempty"`
	BeganAt  time.Time     `json:"began_at"`
	Took     time.Duration `json:"took"`
	By       string        `json:"by"`
	State    State         `json:"state"`
	Bytes    int64         `json:"bytes,omitempty"` // of all parts
	Sent     int64         `json:"sent,omitempty"`
	Reason   string        `json:"reason,omitempty"` // why it failed; safe to show
	Warnings []string      `json:"warnings,omitempty"`
}

const (
	runsKey   = "backup runs"
	runsKept  = 30
	scheduler = "schedule" // who asks for the backups of the schedule
	stopping  = 30 * time.Second
)

// Runs returns the latest runs, the newest first.
func (b *Backups) Runs(ctx context.Context) (runs []Run, err error) {
	text, err := b.o.Ledger.FindSetting(ctx, runsKey)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &runs)
	}
	return runs, err
}

// LastBackup is when the latest backup that is whole began; the zero time where there is
// none.
func (b *Backups) LastBackup(ctx context.Context) (time.Time, error) {
	last, err := b.lastDone(ctx)
	return last.BeganAt, err
}

// lastDone is the run of the latest whole backup; the zero Run where there is none.
func (b *Backups) lastDone(ctx context.Context) (Run, error) {
	runs, err := b.Runs(ctx)
	if at := slices.IndexFunc(runs, func(r Run) bool { return r.State == Done }); err == nil && at >= 0 {
		return runs[at], nil
	}
	return Run{}, err
}

func (b *Backups) keepRun(ctx context.Context, run Run) error {
	runs, err := b.Runs(ctx)
	if err != nil {
		return err
	}
	runs = append([]Run{run}, runs...)
	text, err := json.Marshal(runs[:min(len(runs), runsKept)])
	if err != nil {
		return err
	}
	return b.o.Ledger.UpdateSetting(ctx, runsKey, string(text))
}

// backUp makes one backup and records how it ended.
func (b *Backups) backUp(ctx context.Context, by string) {
	run := Run{BeganAt: time.Now().UTC(), By: by, State: Done}
	b.begin(Progress{BeganAt: run.BeganAt, By: by, Part: "server"})
	defer b.forget()
	err := b.make(ctx, &run)
	b.end() // before the run is listed: who sees it may begin the next one
	if run.Took = time.Since(run.BeganAt); err != nil {
		run.State, run.Reason = Failed, reasonOf(err)
		b.o.Logger.Error("back up", "error", err)
	} else {
		b.o.Logger.Info("backed up", "set", string(run.Set), "bytes", run.Bytes, "sent", run.Sent, "took", run.Took.String())
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	if err := b.keepRun(ending, run); err != nil {
		b.o.Logger.Error("record backup", "error", err)
	}
	b.recordRun(ending, run)
}

// reasonOf is what a page may say of a failure.
func reasonOf(err error) string {
	fault, isProblem := errors.AsType[*problem.Problem](err)
	refusal, isRefusal := errors.AsType[*target.Refusal](err)
	_, isFile := errors.AsType[*fs.PathError](err) // whose errors are those of a network too
	_, isNetwork := errors.AsType[net.Error](err)
	switch {
	case isProblem:
		return fault.Message + " " + fault.Hint
	case isRefusal:
		return "The store answered " + refusal.Answer + "."
	case errors.Is(err, context.Canceled):
		return "Berth was stopped meanwhile. The next backup goes on with what was sent."
	case errors.Is(err, set.ErrForeign):
		return "The place holds the backups of another server. Choose another folder or prefix."
	case problem.IsDiskFull(err):
		return "The disk is full. Make room, or keep fewer backups."
	case errors.Is(err, docker.ErrUnavailable):
		return "The container engine does not answer."
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "Berth may not write there. Give the folder to the user that Berth runs as."
	case errors.Is(err, drill.ErrDiffers):
		return "A restored volume is not what was backed up; Berth's log says which."
	case errors.Is(err, set.ErrDamaged):
		return "A backup in this place is damaged, so no old backup was removed."
	case isNetwork && !isFile, errors.Is(err, context.DeadlineExceeded):
		return "The store does not answer."
	default:
		return "Something went wrong; Berth's log says what."
	}
}

func (b *Backups) make(ctx context.Context, run *Run) error {
	s, err := b.settings(ctx)
	if err != nil {
		return err
	}
	if err := room.Of(s.Place.Folder).Refuse(); err != nil { // of a bucket nothing is known
		return err
	}
	to, closeTarget, err := b.open(s)
	if err != nil {
		return err
	}
	defer func() { _ = closeTarget() }()
	b.expect(ctx)
	manifest, sent, err := b.write(ctx, s, to, run)
	if err != nil {
		return err
	}
	run.Set, run.Bytes, run.Sent = manifest.Set, manifest.Bytes(), sent
	b.note(func(p *Progress) { p.Part = "old backups" })
	if err := b.prune(ctx, s, to); err != nil {
		b.o.Logger.Warn("remove old backups", "error", err)
		run.Warnings = append(run.Warnings, "Old backups could not be removed. "+reasonOf(err))
	}
	return nil
}

// expect takes the size of the last backup for that of this one.
func (b *Backups) expect(ctx context.Context) {
	if last, err := b.lastDone(ctx); err == nil {
		b.note(func(p *Progress) { p.Total = last.Bytes })
	}
}

// prune removes what the settings do not keep. The backup that was proven last stays.
func (b *Backups) prune(ctx context.Context, s Settings, from target.Target) error {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return err
	}
	all, err := set.List(ctx, from)
	if err != nil {
		return err
	}
	kept := s.Keep.choose(all, zone)
	proven, err := b.LastProof(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(all, proven.Set) && !slices.Contains(kept, proven.Set) {
		kept = append(kept, proven.Set)
	}
	return set.Prune(ctx, from, kept)
}

// write writes the set, part by part.
func (b *Backups) write(ctx context.Context, s Settings, to target.Target, run *Run) (set.Manifest, int64, error) {
	w, err := set.Begin(ctx, set.Options{
		Target: to, Recipients: s.recipients(), Seed: [32]byte(b.o.Key.Derive("cuts of backups")), Folder: b.folder("known"),
		Repository: s.Repository, Now: time.Now,
		Moved: func(read, sent int64) { b.note(func(p *Progress) { p.Read, p.Sent = read, sent }) },
	})
	if err != nil {
		return set.Manifest{}, 0, err
	}
	if err := b.writeParts(ctx, s, w, run); err != nil {
		return set.Manifest{}, 0, errors.Join(err, w.Abort())
	}
	manifest, err := w.Finish(ctx)
	return manifest, w.Sent(), err
}

func (b *Backups) writeParts(ctx context.Context, s Settings, w *set.Writer, run *Run) error {
	after, err := b.before(ctx, run)
	defer func() {
		for _, of := range after {
			b.after(ctx, run, of)
		}
	}()
	if err != nil {
		return err
	}
	held, err := b.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(held.folder) }()
	images, warnings, err := b.images(ctx)
	if err != nil {
		return err
	}
	run.Warnings = append(run.Warnings, warnings...)
	w.Describe(b.o.Stack, b.o.Version, images)
	err = w.Add(ctx, set.Part{Name: "server", Kind: set.Server}, func(ctx context.Context, out io.Writer) error { return b.writeServer(ctx, held, out) })
	if err != nil {
		return err
	}
	volumes, err := b.o.Keeper.ListVolumes(ctx)
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	for _, found := range volumes {
		if slices.Contains(s.Skipped, string(found.Name)) {
			continue
		}
		if err := b.addVolume(ctx, w, found); err != nil {
			return err
		}
	}
	return nil
}

// addVolume adds a volume; one that was deleted meanwhile is left out.
func (b *Backups) addVolume(ctx context.Context, w *set.Writer, found docker.Volume) error {
	session, err := b.o.Keeper.OpenVolume(ctx, found.Name, docker.ReadAside)
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	b.note(func(p *Progress) { p.Part = "volume " + string(found.Name) })
	part := set.Part{Name: "volume-" + string(found.Name), Kind: set.Volume, Volume: string(found.Name), Description: found.Description}
	err = w.Add(ctx, part, func(_ context.Context, out io.Writer) error { return session.WriteAll(out) })
	return errors.Join(err, session.Close())
}

func releaseOf(found app.App) app.ReleaseID {
	return app.ReleaseID{App: found.Name, Number: found.Live}
}
