package controller

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/uploads"
	"berth/controller/volumes"
)

// shipOptions are what a shipper needs. Every field is required, but Registries.
type shipOptions struct {
	Ledger  shipLedger
	History shipHistory
	Images  shipImages
	Engine  shipEngine
	Owners  VolumeOwners
	Proxy   Proxy
	Routes  *routing.Routes
	Volumes *volumes.Volumes
	Uploads uploads.Folder
	Locks   *app.Locks
	Logger  *slog.Logger
	Audit   audit.Auditor
	Key     secret.Key // opens the secrets of apps

	Folder           string      // keeps the logs of releases; made with mode 0700
	Most             plan.Limits // that an app can ask for
	Registries       []string    // that images may come from beside the public ones
	BuildConcurrency int         // builds at once; the rest wait in line
	BuildTimeout     time.Duration
	BuildDisk        docker.Disk

	// These are called as a release goes on: an app was changed, something is to be brought
	// in line, the instances of a live release are to be looked at.
	Notify    func(app.Name)
	Reconcile func()
	Observe   func(context.Context, app.Release)
}

// shipper takes queued releases to their ends. It knows the app's locks, the routes and
// the volumes, and nothing of what people ask for. It is safe for concurrent use.
type shipper struct {
	ledger  shipLedger
	history shipHistory
	images  shipImages
	engine  shipEngine
	owners  VolumeOwners
	proxy   Proxy
	routes  *routing.Routes
	volumes *volumes.Volumes
	uploads uploads.Folder
	logs    logsFolder
	logger  *slog.Logger
	audit   audit.Auditor
	key     secret.Key

	most         plan.Limits
	registries   []string
	buildTimeout time.Duration
	buildDisk    docker.Disk

	apps      *app.Locks
	line      *line
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

// newShipper returns a shipper that ships nothing until begin.
func newShipper(o shipOptions) (*shipper, error) {
	logs, err := openLogs(o.Folder)
	if err != nil {
		return nil, err
	}
	return &shipper{
		ledger: o.Ledger, history: o.History, images: o.Images, engine: o.Engine, owners: o.Owners, proxy: o.Proxy,
		routes: o.Routes, volumes: o.Volumes, uploads: o.Uploads, logs: logs, logger: o.Logger, audit: o.Audit, key: o.Key,
		most: o.Most, registries: o.Registries, buildTimeout: o.BuildTimeout, buildDisk: o.BuildDisk,
		apps: o.Locks, line: newLine(o.BuildConcurrency), shipping: newShipping(), retiring: newRetiring(), displaced: newDisplaced(),
		notify: o.Notify, requestReconcile: o.Reconcile, observeLive: o.Observe,
		started: make(chan struct{}),
	}, nil
}

// begin lets releases be shipped until ctx ends.
func (c *shipper) begin(ctx context.Context) {
	c.running = ctx
	close(c.started)
}

// wait waits for all that is under way, once the context of begin has ended.
func (c *shipper) wait() {
	c.shipping.wait()
	c.retiring.wait()
	c.visits.Wait()
}
