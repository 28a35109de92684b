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

// shipper takes queued releases to their ends. It knows the app's locks, the routes and
// the volumes, and nothing of what people ask for.
type shipper struct {
	ledger  Ledger
	engine  Engine
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

	// What follows is told to who made it: an app was changed, something is to be brought
	// in line, the instances of a live release are to be looked at.
	notify           func(app.Name)
	requestReconcile func()
	observeLive      func(context.Context, app.Release)

	running context.Context //nolint:containedctx // of Run; releases are shipped under it
	started chan struct{}   // closed when running is set
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
