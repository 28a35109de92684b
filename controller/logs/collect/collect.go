// Package collect follows what every instance prints and what the proxy answers, and keeps
// it in the journal, masked: each line once, over restarts of Berth and of the instances.
package collect

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/logs"
	"berth/controller/logs/journal"
	"berth/controller/pause"
	"berth/controller/problem"
)

const (
	lookPause  = 250 * time.Millisecond // least time between two looks at the engine
	lookEvery  = 30 * time.Second       // what an event should have told is seen by then
	watchPause = 2 * time.Second        // before events are asked for again
	silence    = 5 * time.Minute        // an instance may be silent for so long before the engine is asked about it
	shortID    = 12                     // characters of a container's id that tell it from all others
)

// Engine has the output of instances and of the proxy.
type Engine interface {
	Instances(context.Context) ([]docker.Instance, error)
	Places(context.Context) ([]docker.Place, error)
	Watch(ctx context.Context, each func(docker.Event)) error
	Tail(ctx context.Context, name string, o docker.TailOptions, each func(docker.Line) error) error
	TailProxy(ctx context.Context, id string, o docker.TailOptions, each func(docker.Line) error) error
}

// Ledger knows apps and releases.
type Ledger interface {
	ListApps(context.Context) ([]app.App, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// Masks hides the secrets of a release.
type Masks interface {
	MaskOf(context.Context, app.Release) (*environment.Mask, error)
}

// Options are what a Collector needs; all are required.
type Options struct {
	Engine  Engine
	Ledger  Ledger
	Masks   Masks
	Journal *journal.Journal
	Logger  *slog.Logger
}

// Collector keeps what is printed while Run runs.
type Collector struct {
	options Options
	look    chan struct{} // something happened

	mu      sync.Mutex
	follows map[string]bool   // ids of containers that are followed
	ended   map[string]uint64 // ids of containers that were read to their end, in which turn of theirs
	turns   map[string]uint64 // how often an instance was started, by its name, as far as events told
	epoch   uint64            // how often events may have been missed
	group   sync.WaitGroup
}

// New returns a Collector that has started nothing.
func New(o Options) *Collector {
	return &Collector{
		options: o, look: make(chan struct{}, 1), follows: make(map[string]bool), ended: make(map[string]uint64), turns: make(map[string]uint64),
	}
}

// Run follows until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	c.group.Go(func() { c.watch(ctx) })
	defer c.group.Wait()
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	for {
		if err := c.join(ctx); err != nil && ctx.Err() == nil {
			c.options.Logger.Debug("look for what prints", "error", err)
		}
		if pause.For(ctx, lookPause) != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-looks.C:
		case <-c.look:
		}
	}
}

// watch notes which instances start.
func (c *Collector) watch(ctx context.Context) {
	for {
		err := c.options.Engine.Watch(ctx, c.note)
		if pause.For(ctx, watchPause) != nil {
			return
		}
		c.mu.Lock()
		c.epoch++
		c.mu.Unlock()
		c.tick()
		c.options.Logger.Debug("follow the starts of instances", "error", err)
	}
}

func (c *Collector) note(event docker.Event) {
	if event.Action != docker.ActionStart {
		return
	}
	if event.Role == docker.RoleApp {
		c.mu.Lock()
		c.turns[event.Name]++
		c.mu.Unlock()
	}
	c.tick()
}

func (c *Collector) tick() {
	select {
	case c.look <- struct{}{}:
	default:
	}
}

// join begins to follow what is not followed, and lets go of what is gone.
func (c *Collector) join(ctx context.Context) error {
	instances, err := c.options.Engine.Instances(ctx)
	if err != nil {
		return err
	}
	apps, err := c.options.Ledger.ListApps(ctx) // behind the instances: the app of each was there before it
	if err != nil {
		return err
	}
	places, err := c.options.Engine.Places(ctx)
	if err != nil {
		return err
	}
	there := make(map[string]bool)
	for _, instance := range instances {
		there[instance.ID] = true
		c.begin(ctx, instance)
	}
	for _, place := range places {
		if place.Role == docker.RoleProxy {
			there[place.ID] = true
			c.beginProxy(ctx, place.ID)
		}
	}
	c.leave(apps, instances, there)
	return nil
}

// begin follows an instance, unless it is followed already or was read to its end.
func (c *Collector) begin(ctx context.Context, instance docker.Instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	turn := c.epoch<<32 + c.turns[instance.Name]
	if last, read := c.ended[instance.ID]; c.follows[instance.ID] || read && last == turn && !instance.Condition.Running {
		return
	}
	c.follows[instance.ID] = true
	c.group.Go(func() {
		err := c.follow(ctx, instance)
		c.end(ctx, instance.ID, turn, err)
	})
}

// beginProxy follows the proxy, unless it is followed already.
func (c *Collector) beginProxy(ctx context.Context, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.follows[id] {
		return
	}
	c.follows[id] = true
	c.group.Go(func() { c.end(ctx, id, 0, c.followProxy(ctx, id)) })
}

// end notes that a container is not followed any more.
func (c *Collector) end(ctx context.Context, id string, turn uint64, err error) {
	c.mu.Lock()
	delete(c.follows, id)
	if err == nil || errors.Is(err, docker.ErrNotFound) {
		c.ended[id] = turn
	}
	c.mu.Unlock()
	if err != nil && ctx.Err() == nil && !errors.Is(err, docker.ErrNotFound) && !errors.Is(err, problem.ErrNotFound) {
		c.options.Logger.Warn("output is not kept for the moment", "container", short(id), "error", err)
		return // a later look begins again
	}
	c.tick() // it may have been started again meanwhile
}

// leave forgets what is gone.
func (c *Collector) leave(apps []app.App, instances []docker.Instance, there map[string]bool) {
	exists, named, shorts := make(map[app.Name]bool, len(apps)), make(map[string]bool, len(instances)), make(map[string]bool, len(there))
	for _, found := range apps {
		exists[found.Key()] = true
	}
	for _, instance := range instances {
		named[instance.Name] = true
	}
	for id := range there {
		shorts[short(id)] = true
	}
	c.mu.Lock()
	for id := range c.ended {
		if !there[id] {
			delete(c.ended, id)
		}
	}
	for name := range c.turns {
		if !named[name] {
			delete(c.turns, name)
		}
	}
	for id := range c.follows {
		shorts[short(id)] = true // its last lines are on their way
	}
	c.mu.Unlock()
	c.options.Journal.Retain(func(name app.Name) bool { return exists[name] }, func(instance string) bool { return !shorts[instance] })
}

func short(id string) string { return id[:min(len(id), shortID)] }

// lineOf is a printed line as it is kept.
func lineOf(line docker.Line, release int64, instance string) logs.Line {
	kept := logs.Line{At: line.At, Stderr: line.Stderr, Level: logs.LevelOf(line.Text), Release: release, Instance: instance, Text: line.Text}
	if line.Coloured != "" {
		kept.Text = line.Coloured
	}
	return kept
}
