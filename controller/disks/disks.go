// Package disks shows what grows on the server's disk, with its rule and by app, and removes what the rules do not keep.
package disks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/retention"
	"berth/controller/room"
	"berth/controller/volumes"
)

// Engine lists what the stack has made and pulled. Nothing else of the engine is looked at.
type Engine interface {
	OwnedImages(context.Context) ([]docker.OwnedImage, error)
	Instances(context.Context) ([]docker.Instance, error)
	Pulled
}

// Ledger is what is read of the ledger.
type Ledger interface {
	retention.Ledger
	ListApps(context.Context) ([]app.App, error)
	// ListRunnable returns the releases of the app that have an image and did not fail,
	// newest first.
	ListRunnable(context.Context, app.Name) ([]app.Release, error)
	ForgetPull(ctx context.Context, engine, image string) error
}

// Releases removes the images of an app that app.Superfluous names.
type Releases interface {
	RemoveOldImages(context.Context, app.Name) error
}

// Audit is the audit log.
type Audit interface {
	CountBefore(context.Context, time.Time) (int64, error)
	Cut(context.Context, time.Time) (removed int64, err error)
}

// Logs are what apps print and the requests to them.
type Logs interface {
	Sizes() map[app.Name]int64
	// Sweep removes what the rules do not keep, and waits for it.
	Sweep(context.Context) error
}

// Events counts and removes what happened before then; CountEvents counts all for the zero
// time.
type Events interface {
	CountEvents(ctx context.Context, before time.Time) (int64, error)
	DeleteEvents(ctx context.Context, before time.Time) error
}

// Volumes lists the volumes of the stack.
type Volumes interface {
	List(context.Context) ([]volumes.View, error)
}

// Options are what Disks need. Every field is required.
type Options struct {
	DataFolder string
	Ledger     Ledger
	Engine     Engine
	Releases   Releases
	Volumes    Volumes
	Audit      Audit
	Logs       Logs
	Events     Events
	Rows       func(context.Context) (Rows, error)
	// Pulls are the images that the engine of that ID pulled for Berth.
	Pulls func(ctx context.Context, engine string) ([]Pull, error)
	// Sweep removes sessions and tokens that are over.
	Sweep  func(context.Context) error
	Logger *slog.Logger
}

// Rows are how many rows there are of what the ledger keeps for a time.
type Rows struct{ Audit, Sessions, Refusals, HostChecks int64 }

// Pull is an image that Berth had the engine pull.
type Pull struct {
	Image     string // its ID
	Reference string // the name that it was pulled by
	Used      time.Time
}

// Disks knows what grows on the server's disk. It is safe for concurrent use.
type Disks struct {
	Options

	rules   retention.Book
	disk    room.Disk
	reserve *room.Reserve
	now     func() time.Time

	mu       sync.Mutex
	progress Progress
	done     chan struct{} // closed at the end of the clean-up under way; nil before the first
}

// New returns Disks that do nothing until Run or Clean.
func New(o Options) *Disks {
	return &Disks{
		Options: o, rules: retention.Book{Ledger: o.Ledger}, disk: room.Of(o.DataFolder), reserve: room.ReserveIn(o.DataFolder), now: time.Now,
	}
}

const (
	keepEvery  = 30 * time.Second // the reserve is made whole
	sweepEvery = time.Hour
	firstClean = 5 * time.Minute // after the start, when what was under way has gone on
)

// Run keeps the rules until ctx ends: it cleans every hour, and keeps the reserve.
func (d *Disks) Run(ctx context.Context) error {
	keep, clean := time.NewTicker(keepEvery), time.NewTimer(firstClean)
	defer keep.Stop()
	defer clean.Stop()
	d.warn(ctx, "remove sessions that are over", d.Sweep(ctx))
	for {
		d.warn(ctx, "keep room for the ledger", d.reserve.Keep(d.disk))
		select {
		case <-ctx.Done():
			return nil
		case <-keep.C:
		case <-clean.C:
			d.warn(ctx, "remove what is not kept", d.clean(ctx))
			clean.Reset(sweepEvery)
		}
	}
}

func (d *Disks) warn(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		d.Logger.WarnContext(ctx, what, "error", err)
	}
}

// View is everything that grows, at one moment.
type View struct {
	Disk     room.State
	Reserve  int64 // bytes that are kept for the ledger
	Rules    retention.Rules
	Items    []Item
	Progress Progress // of the last clean-up, or of the one under way
}

// Look counts everything that grows. What cannot be counted says so, and the rest is there.
func (d *Disks) Look(ctx context.Context) (View, error) {
	state, err := d.disk.Look()
	if err != nil {
		return View{}, err
	}
	rules, err := d.rules.Find(ctx)
	if err != nil {
		return View{}, err
	}
	view := View{Disk: state, Reserve: d.reserve.Bytes(), Rules: rules, Progress: d.Progress()}
	for _, kind := range d.kinds(rules) {
		item := kind.item
		if err := kind.look(ctx, &item); err != nil {
			d.warn(ctx, "count what grows", err)
			item.Uncounted = true
		}
		view.Items = append(view.Items, item)
	}
	return view, nil
}

// Level says how much room there is; room.Enough where that cannot be seen.
func (d *Disks) Level() room.Level {
	state, err := d.disk.Look()
	if err != nil {
		return room.Enough
	}
	return state.Level
}

// Rules are those that hold.
func (d *Disks) Rules(ctx context.Context) (retention.Rules, error) { return d.rules.Find(ctx) }

// UpdateRules makes rules hold from the next clean-up on. Bad ones are Problems.
func (d *Disks) UpdateRules(ctx context.Context, rules retention.Rules) error {
	return d.rules.Update(ctx, rules)
}
