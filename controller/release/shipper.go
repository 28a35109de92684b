// Package release takes one queued release to its end: it obtains the images, starts the
// instances, proves them, promotes them and retires what they supersede.
package release

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/releaselog"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/slots"
	"berth/controller/uploads"
	"berth/controller/volumes"
)

// Options are what a shipper needs. Every field is required, but Registries.
type Options struct {
	Ledger  Ledger
	History History
	Images  Images
	Engine  Engine
	Owners  VolumeOwners
	Proxy   Proxy
	Routes  *routing.Routes
	Volumes *volumes.Volumes
	Uploads uploads.Folder
	Locks   *app.Locks
	Logger  *slog.Logger
	Audit   audit.Auditor
	Key     secret.Key // opens the secrets of apps

	Logs             releaselog.Folder
	Most             plan.Limits // that an app can ask for
	Registries       []string    // that images may come from beside the public ones
	BuildConcurrency int         // builds at once; the rest wait in line
	BuildTimeout     time.Duration
	BuildDisk        docker.Disk
	Keep             func(context.Context) int // releases whose images stay, the live one included

	// These are called as a release goes on: an app was changed, something is to be brought
	// in line, the instances of a live release are to be looked at.
	Notify    func(app.Name)
	Reconcile func()
	Observe   func(context.Context, app.Release)
}

// Shipper takes queued releases to their ends. It knows the app's locks, the routes and
// the volumes, and nothing of what people ask for. It is safe for concurrent use.
type Shipper struct {
	Specs
	ledger       Ledger
	owners       VolumeOwners
	proxy        Proxy
	routes       *routing.Routes
	volumes      *volumes.Volumes
	uploads      uploads.Folder
	logs         releaselog.Folder
	logger       *slog.Logger
	audit        audit.Auditor
	most         plan.Limits
	registries   []string
	buildTimeout time.Duration
	buildDisk    docker.Disk

	keep      func(context.Context) int
	apps      *app.Locks
	line      *slots.Line
	shipping  *shipping
	retiring  *retiring
	displaced *displaced
	visits    sync.WaitGroup // of first pages, under way

	notify           func(app.Name)
	requestReconcile func()
	observeLive      func(context.Context, app.Release)

	running context.Context //nolint:containedctx // of Run; releases are shipped under it
	started chan struct{}   // closed when running is set
}

// New returns a Shipper that ships nothing until Begin.
func New(o Options) (*Shipper, error) {
	return &Shipper{
		Specs: NewSpecs(o.History, o.Images, o.Engine, o.Key), ledger: o.Ledger, owners: o.Owners, proxy: o.Proxy,
		routes: o.Routes, volumes: o.Volumes, uploads: o.Uploads, logs: o.Logs, logger: o.Logger, audit: o.Audit,
		most: o.Most, registries: o.Registries, buildTimeout: o.BuildTimeout, buildDisk: o.BuildDisk, keep: o.Keep,
		apps: o.Locks, line: slots.New(o.BuildConcurrency), shipping: newShipping(), retiring: newRetiring(), displaced: newDisplaced(),
		notify: o.Notify, requestReconcile: o.Reconcile, observeLive: o.Observe, started: make(chan struct{}),
	}, nil
}

// Begin lets releases be shipped until ctx ends.
func (c *Shipper) Begin(ctx context.Context) {
	c.running = ctx
	close(c.started)
}

// Wait waits for all that is under way, once the context of Begin has ended.
func (c *Shipper) Wait() {
	c.shipping.wait()
	c.retiring.wait()
	c.visits.Wait()
}

// Has reports whether the release is being shipped.
func (c *Shipper) Has(id app.ReleaseID) bool { return c.shipping.has(id) }

// Place is the release's place in the line for a build slot: 1 is next, 0 is not waiting.
func (c *Shipper) Place(id app.ReleaseID) int { return c.line.Place(id) }

// Log opens the kept log of a release. While the release is under way the file grows.
func (c *Shipper) Log(id app.ReleaseID) (io.ReadSeekCloser, error) { return c.logs.Open(id) }

// RemoveLogs removes the logs of all releases of an app.
func (c *Shipper) RemoveLogs(name app.Name) error { return c.logs.RemoveApp(name) }

// IsDisplaced reports whether a release under way has stopped one of these instances, so
// that nobody else may start it.
func (c *Shipper) IsDisplaced(instances ...string) bool { return c.displaced.has(instances...) }

// IsRetiring reports whether the instance is being removed.
func (c *Shipper) IsRetiring(instance string) bool { return c.retiring.hasInstance(instance) }

// IsNetworkRetiring reports whether the network, or an instance on it, is being removed.
func (c *Shipper) IsNetworkRetiring(id NetworkID) bool { return c.retiring.hasNetwork(id) }

// Retire removes in the background. The instances and networks count as retiring until
// remove returns, which reports whether they are to be looked at again.
func (c *Shipper) Retire(instances []string, networks []NetworkID, remove func() bool) {
	c.retiring.run(instances, networks, remove, c.requestReconcile)
}
