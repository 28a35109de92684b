// Package collect takes readings of the server, its apps and their services from those who
// have them, and gives them to the history.
package collect

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/handle"
	"berth/controller/metrics"
	"berth/controller/metrics/history"
	"berth/controller/pause"
	"berth/controller/usage"
	"berth/controller/volume"
	"berth/traefik"
)

const (
	roundEvery    = 15 * time.Second // the width of the finest tier
	roundDeadline = 10 * time.Second
	sweepEvery    = 10 * time.Minute
	disksEvery    = time.Minute // volumes are counted about as often
)

// Usage has the newest samples of the instances. Taking them asks nobody.
type Usage interface {
	All() []usage.Measured
}

// Proxy tells what it counts of the requests to apps.
type Proxy interface {
	Counters(ctx context.Context, each func(traefik.Counter, float64)) error
}

// Ledger knows apps and releases.
type Ledger interface {
	ListUnderWay(context.Context) ([]app.Release, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
}

// Disks knows how much a volume held when it was last counted. Asking counts nothing.
type Disks interface {
	Counted(volume.Name) (bytes int64, known bool)
}

// Options are what a Collector needs; all are required.
type Options struct {
	File   string // of the history; in a folder that only Berth may enter
	Usage  Usage
	Proxy  Proxy
	Ledger Ledger
	Disks  Disks
	Folder string // on the disk of which the server page tells
	// Handles are of apps that were renamed; nil where none was.
	Handles *handle.Book
	Logger  *slog.Logger
}

// Collector knows what is measured at the moment, and keeps it, while Run runs. It is safe
// for concurrent use.
type Collector struct {
	options Options
	machine machine

	// These are of the goroutine of Run alone.
	instances map[string]usage.Measured // by name: the sample before
	counters  metrics.Baseline[string]
	underWay  map[app.ReleaseID]bool
	disksAt   time.Time // when the volumes were taken

	mu     sync.RWMutex
	kept   *history.History // nil until the file could be opened
	states map[metrics.Subject]*metrics.State
	recent map[metrics.Subject]*ring
}

// New returns a Collector that has started nothing.
func New(o Options) *Collector {
	return &Collector{
		options: o, machine: machine{proc: "/proc", folder: o.Folder}, instances: make(map[string]usage.Measured),
		underWay: make(map[app.ReleaseID]bool), states: make(map[metrics.Subject]*metrics.State), recent: make(map[metrics.Subject]*ring),
	}
}

// Run takes readings until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	defer c.close()
	for swept := time.Now(); ; {
		now := time.Now()
		c.ensureOpen(ctx, now)
		c.round(ctx, now)
		if now.Sub(swept) >= sweepEvery {
			swept = now
			c.sweep(ctx, now)
		}
		if pause.For(ctx, time.Until(now.Truncate(roundEvery).Add(roundEvery))) != nil {
			return nil
		}
	}
}

// round takes all readings of one moment. What cannot be read is left out: a gap in a chart.
func (c *Collector) round(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, roundDeadline)
	defer cancel()
	taken := make(readings)
	c.takeUsage(taken)
	if err := c.takeRequests(ctx, taken); err != nil {
		c.options.Logger.Debug("the proxy did not tell its counters", "error", err)
	}
	if err := c.takeReleases(ctx, taken); err != nil {
		c.options.Logger.Warn("list releases to measure", "error", err)
	}
	if now.Sub(c.disksAt) >= disksEvery {
		c.disksAt = now
		c.takeDisks(ctx, taken)
	}
	c.machine.take(taken.of(metrics.Server))
	c.note(now, taken)
	kept := c.history()
	if kept == nil {
		return
	}
	if err := kept.Add(ctx, now, taken.list()); err != nil && ctx.Err() == nil {
		c.options.Logger.Warn("measurements were not kept", "error", err)
	}
}

// readings are those of one round.
type readings map[metrics.Subject]metrics.Values

func (r readings) of(subject metrics.Subject) metrics.Values {
	if r[subject] == nil {
		r[subject] = make(metrics.Values)
	}
	return r[subject]
}

// add adds to what a subject has, as an app's instances add up.
func (r readings) add(subject metrics.Subject, metric metrics.Metric, value float64) {
	r.of(subject)[metric] += metric.Stored(value)
}

func (r readings) list() []metrics.Reading {
	list := make([]metrics.Reading, 0, len(r))
	for subject, values := range r {
		list = append(list, metrics.Reading{Subject: subject, Values: values})
	}
	slices.SortFunc(list, func(a, b metrics.Reading) int { return strings.Compare(string(a.Subject), string(b.Subject)) })
	return list
}

// sweep forgets what is old, and what is of apps that are gone.
func (c *Collector) sweep(ctx context.Context, now time.Time) {
	kept := c.history()
	if kept == nil {
		return
	}
	if err := kept.Sweep(ctx, now); err != nil {
		c.options.Logger.Warn("remove old measurements", "error", err)
	}
	subjects := kept.Subjects() // before the apps: the former name of an app that is renamed meanwhile has none
	apps, _, err := c.options.Ledger.ListOverview(ctx)
	if err != nil {
		return
	}
	there := make(map[string]bool, len(apps))
	for _, found := range apps {
		there[string(found.Name)] = true
	}
	var gone []metrics.Subject
	for _, subject := range subjects {
		if name := appOf(subject); name != "" && !there[name] {
			gone = append(gone, subject)
		}
	}
	if err := kept.Forget(ctx, gone...); err != nil {
		c.options.Logger.Warn("forget measurements of deleted apps", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for subject := range c.states {
		if name := appOf(subject); name != "" && !there[name] {
			delete(c.states, subject)
			delete(c.recent, subject)
		}
	}
}

// appOf is the app of a subject, empty for the server.
func appOf(subject metrics.Subject) string {
	name, _ := partsOf(subject)
	return name
}

func partsOf(subject metrics.Subject) (app, service string) {
	rest, ok := strings.CutPrefix(string(subject), "app/")
	if !ok {
		return "", ""
	}
	app, service, _ = strings.Cut(rest, "/")
	return app, service
}
