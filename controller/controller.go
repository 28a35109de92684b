// Package controller holds the nouns of Berth and its one story: an upload is
// accepted, shipped as a release, promoted, and kept true by the reconciler.
//
// SQLite is the truth (Ledger); the engine and the proxy are projections of it,
// and every step that touches them may run twice.
package controller

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/folder"
	"berth/controller/plan"
	"berth/controller/release"
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
	Volumes    volumes.Options // the apps, the uploads, the disk and the logger are the controller's to fill in
	Owners     release.VolumeOwners
	Proxy      release.Proxy
	DataFolder string // holds uploads/ and logs/
	Logger     *slog.Logger
	Audit      audit.Auditor // keeps how releases end, and waivers
	Key        secret.Key    // seals the secrets of apps in the ledger

	BuildConcurrency int           // builds at once; the rest wait in line
	BuildTimeout     time.Duration // for one build
	BuildDisk        docker.Disk   // where the engine keeps what is built, and volumes, as far as it can be seen
	Registries       []string      // that images may come from beside the public ones; may be empty
	ForbiddenWaivers []app.Waiver  // that no app may have; may be empty
	MaximumLimits    plan.Limits   // most that an app's settings can ask for; at least app.LeastLimits

	Routing routing.Options // New fills in the locks, the callbacks, the beacon and the logger
}

// Controller turns uploads into running apps and keeps them so. It is safe for
// concurrent use.
type Controller struct {
	ledger Ledger
	engine Engine
	routes *routing.Routes
	logger *slog.Logger
	audit  audit.Auditor
	key    secret.Key

	uploads uploads.Folder
	held    *heldArchives
	most    plan.Limits

	forbidden []app.Waiver

	notices  *notices
	usage    *usage.Sampler
	seen     *serviceBook
	apps     *app.Locks
	volumes  *volumes.Volumes
	releases *release.Shipper // takes what is accepted to its end

	wake chan struct{} // one pending request to reconcile

	running context.Context //nolint:containedctx // of Run; orphans are removed under it
}

// New returns a Controller that has started nothing yet. It makes the folders
// for uploads and logs inside DataFolder, mode 0700.
func New(o Options) (*Controller, error) {
	if o.BuildConcurrency < 1 || o.BuildTimeout <= 0 {
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
		ledger: o.Ledger, engine: o.Engine, logger: o.Logger, audit: o.Audit, key: o.Key,
		uploads: uploads.New(received, archive.DefaultLimits()), held: newHeldArchives(), most: o.MaximumLimits,
		forbidden: o.ForbiddenWaivers,
		notices:   newNotices(), seen: newServiceBook(), apps: app.NewLocks(),
		wake: make(chan struct{}, 1),
	}
	c.usage = usage.NewSampler(o.Ledger, o.Engine, o.Logger, c.notices.notify)
	o.Routing.Locks, o.Routing.Notify, o.Routing.Reconcile = c.apps, c.notices.notify, c.requestReconcile
	o.Routing.Beacon, o.Routing.Logger = beaconOf(o.Key), o.Logger
	c.routes = routing.New(o.Routing)
	o.Volumes.Apps, o.Volumes.Uploads, o.Volumes.Disk, o.Volumes.Logger = volumeApps{c}, c.uploads, o.BuildDisk, o.Logger
	if c.volumes, err = volumes.New(o.Volumes); err != nil {
		return nil, err
	}
	c.releases, err = release.New(release.Options{
		Ledger: o.Ledger, History: o.Ledger, Images: o.Engine, Engine: o.Engine, Owners: o.Owners, Proxy: o.Proxy,
		Routes: c.routes, Volumes: c.volumes, Uploads: c.uploads, Locks: c.apps, Logger: o.Logger, Audit: o.Audit, Key: o.Key,
		Folder: filepath.Join(o.DataFolder, "logs"), Most: o.MaximumLimits, Registries: o.Registries,
		BuildConcurrency: o.BuildConcurrency, BuildTimeout: o.BuildTimeout, BuildDisk: o.BuildDisk,
		Notify: c.notices.notify, Reconcile: c.requestReconcile, Observe: c.observeLive,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Routing returns who answers where.
func (c *Controller) Routing() *routing.Routes { return c.routes }

// Volumes are those of the stack, which the controller watches while it runs.
func (c *Controller) Volumes() *volumes.Volumes { return c.volumes }

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
