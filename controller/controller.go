// Package controller holds the nouns of Berth and its one story: an upload is
// accepted, shipped as a release, promoted, and kept true by the reconciler.
//
// SQLite is the truth (Ledger); the engine and the proxy are projections of it,
// and every step that touches them may run twice.
package controller

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/audit"
	"berth/controller/folder"
	"berth/controller/handle"
	"berth/controller/notice"
	"berth/controller/plan"
	"berth/controller/quiet"
	"berth/controller/release"
	"berth/controller/releaselog"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/uploads"
	"berth/controller/usage"
	"berth/controller/volumes"
	"berth/traefik"
)

// Options are what a Controller needs. Every field is required unless it says otherwise.
type Options struct {
	Ledger     Ledger
	Engine     Engine
	Reconciler ReconcilerOptions
	Logger     *slog.Logger
	Notices    *notice.Board // told of changes; nil: one of its own
	Audit      audit.Auditor // keeps how releases end, and waivers
	Key        secret.Key    // seals the secrets of apps in the ledger
	DataFolder string        // holds uploads/ and logs/
	Handles    *handle.Book  // of apps that were renamed; nil where none was
	NoRoom     func() error  // refuses uploads while the disk is too full; nil: never

	ForbiddenWaivers []app.Waiver // that no app may have; may be empty
	MaximumLimits    plan.Limits  // most that an app's settings can ask for; at least app.LeastLimits

	// New fills in what these share with the fields above, and the locks and callbacks.
	Release release.Options
	Volumes volumes.Options
	Routing routing.Options
}

// ReconcilerOptions are what the reconciler needs.
type ReconcilerOptions struct {
	Ledger ReconcilerLedger
	Engine ReconcilerEngine
}

// Controller turns uploads into running apps and keeps them so. It is safe for
// concurrent use.
type Controller struct {
	ledger     Ledger
	engine     Engine
	reconciler ReconcilerOptions

	routes *routing.Routes
	logger *slog.Logger
	audit  audit.Auditor
	key    secret.Key

	uploads uploads.Folder
	held    *uploads.HeldArchives
	most    plan.Limits

	forbidden []app.Waiver

	notices  *notice.Board
	usage    *usage.Sampler
	seen     *serviceBook
	quiet    quiet.Book // instances that a pass need not ask about
	apps     *app.Locks
	volumes  *volumes.Volumes
	releases *release.Shipper // takes what is accepted to its end

	wake    chan struct{} // one pending request to reconcile
	passed  atomic.Value  // time.Time: the end of the last pass of the reconciler
	renames atomic.Int64  // that have begun

	running context.Context //nolint:containedctx // of Run; orphans are removed under it
}

// New returns a Controller that has started nothing yet. It makes the folders
// for uploads and logs inside DataFolder, mode 0700.
func New(o Options) (*Controller, error) {
	if o.Release.BuildConcurrency < 1 || o.Release.BuildTimeout <= 0 {
		return nil, errors.New("build concurrency and build timeout must be above zero")
	}
	if least := app.LeastLimits(); app.SettingsOf(least).Within(o.MaximumLimits) != app.SettingsOf(least) {
		return nil, errors.New("the maximum of an app's limits is below their least")
	}
	if o.Audit == nil {
		return nil, errors.New("the controller needs an audit log")
	}
	if o.Key == (secret.Key{}) {
		return nil, errors.New("the controller needs a key")
	}
	if o.Routing.Ledger == nil {
		return nil, errors.New("the controller needs a ledger of routes")
	}
	received, err := folder.OpenPrivate(filepath.Join(o.DataFolder, "uploads"))
	if err != nil {
		return nil, err
	}
	c := &Controller{
		ledger: o.Ledger, engine: o.Engine, reconciler: o.Reconciler, logger: o.Logger, audit: o.Audit, key: o.Key,
		uploads: uploads.New(received, archive.DefaultLimits()).RefuseWhile(o.NoRoom), held: uploads.NewHeldArchives(time.Now), most: o.MaximumLimits,
		forbidden: o.ForbiddenWaivers,
		notices:   cmp.Or(o.Notices, notice.NewBoard()), seen: newServiceBook(), apps: app.NewLocks(),
		wake: make(chan struct{}, 1),
	}
	c.usage = usage.NewSampler(o.Ledger, o.Engine, o.Logger, c.notices.Notify)
	o.Routing.Locks, o.Routing.Notify, o.Routing.Reconcile = c.apps, c.notices.Notify, c.requestReconcile
	o.Routing.Beacon, o.Routing.Logger = beaconOf(o.Key), o.Logger
	c.routes = routing.New(o.Routing)
	o.Volumes.Apps, o.Volumes.Uploads, o.Volumes.Disk, o.Volumes.Logger, o.Volumes.Handles = volumeApps{c}, c.uploads, o.Release.BuildDisk, o.Logger, o.Handles
	if c.volumes, err = volumes.New(o.Volumes); err != nil {
		return nil, err
	}
	r := &o.Release
	r.Routes, r.Volumes, r.Uploads, r.Locks = c.routes, c.volumes, c.uploads, c.apps
	r.Logger, r.Audit, r.Key, r.Most = o.Logger, o.Audit, o.Key, o.MaximumLimits
	if r.Logs, err = releaselog.Open(filepath.Join(o.DataFolder, "logs"), o.Handles); err != nil {
		return nil, err
	}
	r.Notify, r.Reconcile, r.Observe = c.notices.Notify, c.requestReconcile, c.observeLive
	if c.releases, err = release.New(*r); err != nil {
		return nil, err
	}
	return c, nil
}

// Routing returns who answers where.
func (c *Controller) Routing() *routing.Routes { return c.routes }

// Shipper takes releases to their ends, and removes their old images.
func (c *Controller) Shipper() *release.Shipper { return c.releases }

// Volumes are those of the stack, which the controller watches while it runs.
func (c *Controller) Volumes() *volumes.Volumes { return c.volumes }

// Usage is what each app takes at the moment.
func (c *Controller) Usage() *usage.Sampler { return c.usage }

// Subscribe returns a channel that ticks when something of the app changed, or
// of any app where app is empty. The caller must call cancel.
func (c *Controller) Subscribe(app app.Name) (ticks <-chan struct{}, cancel func()) {
	return c.notices.Subscribe(app)
}

// beaconOf makes a beacon that stays the same over restarts and that nobody without
// the key can answer.
func beaconOf(key secret.Key) traefik.Beacon {
	text := hex.EncodeToString(key.Derive("beacon of the proxy"))
	return traefik.Beacon{Token: text[:len(text)/2], Answer: text[len(text)/2:]}
}

// Run brings engine and proxy in line with the ledger, resumes what was under
// way, and keeps all of it true until ctx ends. It may be called once.
func (c *Controller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	c.running = ctx
	c.releases.Begin(ctx)
	c.requestReconcile()
	group.Go(func() error { return c.reconcileLoop(ctx) })
	group.Go(func() error { return c.watchLoop(ctx) })
	group.Go(func() error { return c.usage.Run(ctx) })
	group.Go(func() error { return c.routes.Run(ctx) })
	group.Go(func() error { return c.volumes.Run(ctx) })
	err := group.Wait()
	c.releases.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
