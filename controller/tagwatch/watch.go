// Package tagwatch deploys apps again when the tag of the image that they run moves: it asks
// the registry every few minutes, and makes one release for each move.
package tagwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/secret"
)

// The minutes between two looks at a tag.
const (
	FewestMinutes  = 5
	DefaultMinutes = 15
	MostMinutes    = 24 * 60
)

// The fields that problems name.
const (
	FieldOn      = "tag_watch"
	FieldMinutes = "tag_minutes"
)

// By is who asks for the releases.
const By = "tag watch"

const (
	tickEvery   = 20 * time.Second
	looksAtOnce = 4
	savingTime  = 5 * time.Second
)

// Watch is what an app wants done when its tag moves, and what was seen.
type Watch struct {
	App     app.Name
	On      bool
	Minutes int

	Next     time.Time // not looked at before
	Tried    string    // the digest that a release was made for last: one that failed is not repeated
	Seen     string    // what the tag meant at the last look
	LookedAt time.Time // zero before the first look
	Fault    string    // of the last look, safe to show

	HookPath, HookSecret []byte // what a registry is given, sealed; empty: none
	HookHash             string // of the path
}

// HasHook reports whether a registry can tell of pushes.
func (w Watch) HasHook() bool { return w.HookHash != "" }

// Ledger keeps watches.
type Ledger interface {
	// FindTagWatch returns a watch that is off where the app has none.
	FindTagWatch(context.Context, app.Name) (Watch, error)
	SaveTagWatch(context.Context, Watch) error
	// FindTagWatchAt returns the watch whose hook has the hash, or problem.ErrNotFound.
	FindTagWatchAt(ctx context.Context, hash string) (Watch, error)
	ListDueTagWatches(ctx context.Context, now time.Time) ([]Watch, error)
	// FindLive returns the zero release where the app has none that is live.
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
}

// Options are what a Watcher needs. All fields are required.
type Options struct {
	Ledger Ledger
	Key    secret.Key
	Digest func(context.Context, plan.ImageReference) (string, error) // of Registries
	Deploy func(context.Context, app.Name, plan.ImageReference) error // does not wait for the end
	Logger *slog.Logger
}

// Watcher looks at tags while Run runs. It is safe for concurrent use.
type Watcher struct {
	Options

	now  func() time.Time
	wake chan struct{} // a registry told of a push

	mu    sync.Mutex
	told  map[app.Name]bool // of pushes
	turns map[app.Name]*sync.Mutex
}

// New returns a Watcher that has started nothing.
func New(o Options) *Watcher {
	return &Watcher{Options: o, now: time.Now, wake: make(chan struct{}, 1), told: map[app.Name]bool{}, turns: map[app.Name]*sync.Mutex{}}
}

// Show returns the watch of an app.
func (w *Watcher) Show(ctx context.Context, name app.Name) (Watch, error) {
	return w.Ledger.FindTagWatch(ctx, name)
}

// Save switches the watch of an app on or off. One that is on looks at once. All faults are
// Problems.
func (w *Watcher) Save(ctx context.Context, name app.Name, on bool, minutes int) (Watch, error) {
	if minutes < FewestMinutes || minutes > MostMinutes {
		return Watch{}, problem.Invalid("This is not a number of minutes between two looks.", fmt.Sprintf("Write %d to %d.", FewestMinutes, MostMinutes)).At(FieldMinutes)
	}
	if on {
		if err := w.hasTag(ctx, name); err != nil {
			return Watch{}, err
		}
	}
	found, err := w.Ledger.FindTagWatch(ctx, name)
	if err != nil {
		return Watch{}, err
	}
	found.On, found.Minutes, found.Next, found.Fault = on, minutes, w.now(), ""
	return found, w.Ledger.SaveTagWatch(ctx, found)
}

// hasTag refuses an app whose live release has no image with a tag.
func (w *Watcher) hasTag(ctx context.Context, name app.Name) error {
	_, live, err := w.Ledger.FindLive(ctx, name)
	if err != nil {
		return err
	}
	_, err = registries.TaggedOf(live.Reference)
	return err
}

// Run looks at tags until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.Logger.WarnContext(ctx, "look at tags of images", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.wake:
		}
	}
}

// Look looks at the tags that are due, once.
func (w *Watcher) Look(ctx context.Context) error {
	due, err := w.Ledger.ListDueTagWatches(ctx, w.now())
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(looksAtOnce)
	for _, one := range due {
		group.Go(func() error { return w.look(ctx, one.App) })
	}
	return errors.Join(group.Wait(), w.lookAtTold(ctx))
}

// look looks at one tag, and keeps what came of it. A person may have changed the settings
// meanwhile, and those stay.
// Looks at one app take turns: each knows what the one before has deployed.
func (w *Watcher) look(ctx context.Context, name app.Name) error {
	turn := w.turnOf(name)
	turn.Lock()
	defer turn.Unlock()
	one, err := w.Ledger.FindTagWatch(ctx, name)
	if err != nil {
		return err
	}
	err = w.follow(ctx, &one)
	if ctx.Err() != nil {
		return nil // Berth stops: that was no fault of the registry
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), savingTime)
	defer cancel()
	kept, findErr := w.Ledger.FindTagWatch(saving, one.App)
	if findErr != nil {
		return findErr
	}
	kept.Tried, kept.Seen, kept.Fault = one.Tried, one.Seen, ""
	kept.LookedAt = w.now()
	kept.Next = kept.LookedAt.Add(time.Duration(kept.Minutes) * time.Minute)
	if err != nil {
		kept.Fault = problem.Said(err)
		w.Logger.WarnContext(ctx, "look at the tag of an image", "app", one.App, "error", err)
	}
	return w.Ledger.SaveTagWatch(saving, kept)
}

func (w *Watcher) turnOf(name app.Name) *sync.Mutex {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turns[name] == nil {
		w.turns[name] = new(sync.Mutex)
	}
	return w.turns[name]
}

// follow deploys the image again if its tag means another one than the one that runs. An app
// that is stopped is only looked at.
func (w *Watcher) follow(ctx context.Context, one *Watch) error {
	found, live, err := w.Ledger.FindLive(ctx, one.App)
	if err != nil {
		return err
	}
	digest, err := w.Digest(ctx, live.Reference)
	if err != nil {
		return err
	}
	one.Seen = digest
	if strings.HasSuffix(live.Digest, "@"+digest) || digest == one.Tried || found.Wanted != app.WantedRunning {
		return nil
	}
	if err := w.Deploy(ctx, one.App, live.Reference); err != nil {
		return err
	}
	one.Tried = digest
	return nil
}
