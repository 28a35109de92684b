package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
)

const (
	reconcileEvery   = 30 * time.Second       // the safety net under the engine's events
	joinEvery        = 5 * time.Second        // the engine tells no stack of what happens to its networks
	reconcileSettle  = 150 * time.Millisecond // events come in bursts; one pass serves them all
	reconcileTimeout = 5 * time.Minute
	inspectTimeout   = 5 * time.Second  // for the engine to tell of one instance; it hangs for one that is wedged
	objectTimeout    = 30 * time.Second // that one object of the engine can hold a pass up
	reconcileRetry   = 2 * time.Second  // after a pass that could not do everything, doubled up to
	mostRetry        = 8 * time.Second
	repairsAtOnce    = 8 // apps; each waits for the engine, not for a core
)

// requestReconcile asks for one pass soon; requests that wait are one.
func (c *Controller) requestReconcile() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ReconciledAt is when the last pass ended, also with an error; zero: none yet.
func (c *Controller) ReconciledAt() time.Time {
	at, _ := c.passed.Load().(time.Time)
	return at
}

func (c *Controller) reconcileLoop(ctx context.Context) error {
	timer, joins := time.NewTimer(reconcileEvery), time.NewTicker(joinEvery)
	defer timer.Stop()
	defer joins.Stop()
	retry := reconcileRetry
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.wake:
			if err := pause.For(ctx, reconcileSettle); err != nil {
				return err
			}
		case <-joins.C:
			if err := c.reconciler.Engine.JoinProxy(ctx); err != nil {
				c.logger.Debug("join proxy", "error", err) // the next pass warns
			}
			continue
		case <-timer.C:
		}
		next := reconcileEvery
		if err := c.reconcile(ctx); err != nil && ctx.Err() == nil {
			c.logger.Warn("bring engine and proxy in line", "error", err)
			next, retry = retry, min(2*retry, mostRetry)
		} else {
			retry = reconcileRetry
		}
		c.passed.Store(time.Now())
		timer.Reset(next)
	}
}

// reconcile brings engine and proxy in line with the ledger, and resumes what
// was under way. It goes on after an error, and returns all of them.
func (c *Controller) reconcile(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reconcileTimeout)
	defer cancel()
	c.held.Expire() // this needs no engine
	renames := c.renames.Load()
	// The instances are listed first: one that belongs to a release which the
	// ledger does not know afterwards is an orphan for certain.
	instances, err := c.reconciler.Engine.Instances(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("list instances: %w", err), c.routes.Publish(ctx))
	}
	networks, err := c.reconciler.Engine.Networks(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("list networks: %w", err), c.routes.Publish(ctx))
	}
	accessories, accessoriesErr := c.reconciler.Engine.Accessories(ctx)
	// What is under way is listed before the apps: a release that becomes live in
	// between is in one of the two lists, and never in neither.
	underWay, err := c.reconciler.Ledger.ListUnderWay(ctx)
	if err != nil {
		return err
	}
	apps, _, err := c.reconciler.Ledger.ListOverview(ctx)
	if err != nil {
		return err
	}
	errs := []error{accessoriesErr}
	kept, spoilt := release.NewOwned(), make(map[app.Name]bool)
	c.quiet.KeepOnly(instances)
	for _, release := range underWay {
		kept.AddUnderWay(release)
		if err := c.clearAttempt(ctx, release); err != nil {
			errs, spoilt[release.App] = append(errs, err), true
		}
		c.releases.Dispatch(release)
	}
	errs = append(errs, c.retireFailed(ctx, instances, apps, kept, spoilt))
	known, err := c.reconcileApps(ctx, apps, byName(instances), kept, spoilt)
	errs = append(errs, err)
	archives, err := c.reconciler.Ledger.ListArchives(ctx)
	if err == nil {
		err = c.sweepUploads(archives)
	}
	errs = append(errs, err)
	shown := errors.Join(c.reconciler.Engine.JoinProxy(ctx), c.routes.Publish(ctx), c.routes.ConfirmPending(ctx))
	errs = append(errs, shown)
	if known && shown == nil && renames == c.renames.Load() { // else the lists may be of two names
		errs = append(errs, c.retireOrphans(ctx, instances, kept), c.removeOrphanNetworks(ctx, networks, kept),
			c.removeOrphanAccessories(ctx, accessories, ownersOf(instances, apps, underWay, kept), renames))
	}
	return errors.Join(errs...)
}

// reconcileApps repairs the apps side by side, so that a slow one holds up no other, and
// adds what they own to kept; known is false where that could not be found out for one.
func (c *Controller) reconcileApps(ctx context.Context, apps []app.App, listed map[string]docker.Instance, kept *release.Owned, spoilt map[app.Name]bool) (known bool, err error) {
	var mu sync.Mutex
	var errs []error
	known = true
	var group errgroup.Group
	group.SetLimit(repairsAtOnce)
	for _, found := range apps {
		group.Go(func() error {
			live, err := c.reconcileApp(ctx, found, listed, !spoilt[found.Name])
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			known = known && (err == nil || live.known)
			kept.Add(live.instances, live.networks...)
			return nil
		})
	}
	_ = group.Wait()
	return known, errors.Join(errs...)
}

// holdings are the instances and networks of an app that is live.
type holdings struct {
	instances []string
	networks  []release.NetworkID
	known     bool // also where they are none
}

// clearAttempt removes what an earlier process has started of a release that writes
// into volumes: the live instances that it had stopped for it are about to run again,
// and both at once would spoil them. The release starts its own anew.
func (c *Controller) clearAttempt(ctx context.Context, next app.Release) error {
	if c.releases.Has(next.ReleaseID) {
		return nil
	}
	// It may have become live since it was listed: then nobody is shipping it any more.
	now, err := c.ledger.FindRelease(ctx, next.ReleaseID)
	if err != nil || !now.State.UnderWay() {
		return problem.IgnoreMissing(err)
	}
	var errs []error
	for _, run := range next.Services {
		if run.KeptFrom != 0 || len(run.Written(next)) == 0 {
			continue
		}
		for _, name := range run.Instances {
			errs = append(errs, c.retireWithin(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// retireFailed removes what is left of releases that failed or were cancelled, before
// the live ones are repaired: both may write into one volume. The proxy sends nothing
// to them. An app whose volumes something still writes into is spoilt for this pass.
func (c *Controller) retireFailed(ctx context.Context, instances []docker.Instance, apps []app.App, kept *release.Owned, spoilt map[app.Name]bool) error {
	live := make(map[app.Name]int64, len(apps))
	for _, app := range apps {
		live[app.Name] = app.Live
	}
	var errs []error
	for _, instance := range instances {
		id := app.ReleaseID{App: app.Name(instance.App), Number: instance.Release}
		if kept.Instances[instance.Name] || id.Number <= live[id.App] {
			continue // of what is under way, or was live
		}
		next, err := c.ledger.FindRelease(ctx, id)
		if err == nil && (next.State == app.ReleaseFailed || next.State == app.ReleaseCancelled) {
			err = c.retireWithin(ctx, instance.ID)
		}
		if err = problem.IgnoreMissing(err); err != nil {
			errs, spoilt[id.App] = append(errs, err), spoilt[id.App] || next.Writes()
		}
	}
	return errors.Join(errs...)
}

// retireWithin is Retire for one of many: the pass goes on where the engine does not
// answer for it, and the next one tries again.
func (c *Controller) retireWithin(ctx context.Context, name string) error {
	if _, err := c.look(ctx, name); err != nil && !errors.Is(err, docker.ErrNotFound) {
		return err
	}
	return c.withinObject(ctx, func(ctx context.Context) error { return c.reconciler.Engine.Retire(ctx, name, app.StopGrace) })
}

// look is Inspect for one of many.
func (c *Controller) look(ctx context.Context, name string) (docker.Instance, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, inspectTimeout, docker.ErrUnavailable)
	defer cancel()
	return c.reconciler.Engine.Inspect(ctx, name)
}

// lookUnlessQuiet is look, but for an instance to which nothing happened since the engine
// told that it runs.
func (c *Controller) lookUnlessQuiet(ctx context.Context, name string, listed docker.Instance) (docker.Instance, error) {
	if known, ok := c.quiet.Find(listed); ok {
		return known, nil
	}
	mark := c.quiet.Mark()
	found, err := c.look(ctx, name)
	if err == nil && found.Condition.Health != "starting" && observedFrom(found, nil).State == app.Running {
		c.quiet.Note(found, mark)
	}
	return found, err
}

func byName(instances []docker.Instance) map[string]docker.Instance {
	named := make(map[string]docker.Instance, len(instances))
	for _, instance := range instances {
		named[instance.Name] = instance
	}
	return named
}

// withinObject bounds what the pass does for one object, so that the others have
// their turn.
func (c *Controller) withinObject(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, objectTimeout, docker.ErrUnavailable)
	defer cancel()
	return work(ctx)
}

// reconcileApp makes the app's live instances as they are wanted, if it may repair it,
// and returns what it has, with an error too.
func (c *Controller) reconcileApp(ctx context.Context, found app.App, listed map[string]docker.Instance, repair bool) (holdings, error) {
	if found.Wanted == app.WantedDeleted {
		return holdings{known: true}, c.withinObject(ctx, func(ctx context.Context) error { return c.removeApp(ctx, found.Name) })
	}
	if found.Live == 0 {
		return holdings{}, nil
	}
	locking, cancel := context.WithTimeoutCause(ctx, objectTimeout, docker.ErrUnavailable)
	defer cancel()
	unlock, err := c.apps.Lock(locking, found.Name)
	if err != nil {
		return holdings{}, fmt.Errorf("repair %s: %w", found.Name, err)
	}
	defer unlock()
	// A release may have been promoted, or the app stopped, before the lock was held.
	found, live, err := c.reconciler.Ledger.FindLive(ctx, found.Name)
	if errors.Is(err, problem.ErrNotFound) || err == nil && found.Live == 0 {
		return holdings{}, nil
	} else if err != nil {
		return holdings{}, err
	}
	has := holdings{live.Instances, []release.NetworkID{{App: found.Name, Release: live.Network()}}, true}
	if !repair {
		return has, nil
	}
	var seen observation
	var errs []error
	for _, run := range live.Services {
		for _, name := range run.Instances {
			instance, err := c.reconcileInstance(ctx, found, live, run, name, listed[name])
			if err != nil {
				errs = append(errs, fmt.Errorf("repair %s: %w", live.ReleaseID, err))
			}
			if err != nil && !instance.Condition.Running {
				c.keepObserved(ctx, found, app.Observed{State: app.Down, Detail: live.Detail(run, notRepaired(err)), At: time.Now()})
				return has, errors.Join(errs...)
			}
			if found.Halts(run) == nil {
				seen.add(live, run, c.showable(ctx, live, instance), nil)
			}
		}
		if halted := found.Halts(run); halted != nil {
			seen.halt(live, *halted)
		}
	}
	c.keepSeen(ctx, found, seen)
	return has, errors.Join(errs...)
}

// notRepaired says why an instance does not run as it should.
func notRepaired(err error) string {
	if errors.Is(err, docker.ErrUnavailable) {
		return "The container engine does not answer for it."
	}
	return "It should run and could not be started."
}

// reconcileInstance looks at the instance itself, under the app's lock, unless the list
// shows a quiet one. The list may be older than the promotion of this release, and would
// have its running instance made again. It returns the instance as it is afterwards.
func (c *Controller) reconcileInstance(ctx context.Context, found app.App, live app.Release, run app.ServiceRun, name string, listed docker.Instance) (docker.Instance, error) {
	instance, err := c.lookUnlessQuiet(ctx, name, listed)
	there := !errors.Is(err, docker.ErrNotFound)
	if err != nil && there {
		return docker.Instance{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, objectTimeout+live.GraceOf(name), docker.ErrUnavailable)
	defer cancel()
	stopped := found.Wanted == app.WantedStopped || found.Halts(run) != nil
	up := instance.Condition.Running || instance.Condition.Restarting
	switch {
	case stopped && !up, c.releases.IsDisplaced(name):
		return instance, nil
	case !stopped && up:
		return instance, c.ensureSecrets(ctx, found, live, run, name)
	case !stopped && there && (run.Done(instance.Condition) || run.Spec.Restart.Mode == plan.Never):
		return instance, nil // it ran, and is not to run again
	case stopped:
		err = c.reconciler.Engine.Stop(ctx, name, live.GraceOf(name))
	case !there:
		err = c.recreate(ctx, found, live, run, name)
	default:
		err = c.reconciler.Engine.Resume(ctx, name)
	}
	if err != nil {
		return docker.Instance{}, err
	}
	return c.look(ctx, name)
}

// recreate starts the instance of a live release again from its image, after it
// was removed behind our back.
func (c *Controller) recreate(ctx context.Context, app app.App, live app.Release, run app.ServiceRun, name string) error {
	options, err := c.releases.StartOptionsOf(ctx, app, live, run, name)
	if err != nil {
		return err
	}
	c.logger.Info("recreating instance", "instance", name, "release", live.String())
	_, err = c.reconciler.Engine.Start(ctx, options)
	return err
}

// ensureSecrets puts back the secrets that the instance has as files, where it has any.
func (c *Controller) ensureSecrets(ctx context.Context, app app.App, live app.Release, run app.ServiceRun, name string) error {
	some, err := c.hasSecretFiles(ctx, live, run)
	if err != nil || !some {
		return err
	}
	options, err := c.releases.StartOptionsOf(ctx, app, live, run, name)
	if err != nil {
		return err
	}
	return c.reconciler.Engine.EnsureSecrets(ctx, options)
}

func (c *Controller) hasSecretFiles(ctx context.Context, live app.Release, run app.ServiceRun) (bool, error) {
	if !run.Sole {
		return slices.ContainsFunc(run.Spec.Files, func(f plan.File) bool { return f.Private }), nil
	}
	kept, err := c.ledger.FindEnvironmentOf(ctx, live.ReleaseID)
	return slices.ContainsFunc(kept, func(v app.Variable) bool { return v.File }), err
}

// retireOrphans removes instances that no release in the ledger owns, once the
// proxy has confirmed that it sends nothing to them. They are removed by their IDs: by
// now another one may have the name. A pass does not wait for them to end.
func (c *Controller) retireOrphans(ctx context.Context, instances []docker.Instance, kept *release.Owned) error {
	confirmed := false
	for _, instance := range instances {
		if kept.Instances[instance.Name] || c.releases.IsRetiring(instance.Name) {
			continue
		}
		if !confirmed {
			if err := c.routes.ConfirmAll(ctx); err != nil {
				return err
			}
			confirmed = true
		}
		c.logger.Info("retiring orphan", "instance", instance.Name)
		grace := app.StopGrace
		if release, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: app.Name(instance.App), Number: instance.Release}); err == nil {
			grace = release.GraceOf(instance.Name)
		}
		c.retireOrphan(instance, grace)
	}
	return nil
}

func (c *Controller) retireOrphan(instance docker.Instance, grace time.Duration) {
	name := app.Name(instance.App)
	networks := []release.NetworkID{{App: name}, {App: name, Release: instance.Release}}
	remove := func() bool {
		ctx, cancel := context.WithTimeout(c.running, release.RetireTimeout+grace)
		defer cancel()
		err := c.reconciler.Engine.Retire(ctx, instance.ID, grace)
		if err != nil {
			c.logger.Warn("retire orphan", "instance", instance.Name, "error", err) // the next pass tries again
		}
		return err == nil // its network may be one that nobody needs now
	}
	c.releases.Retire([]string{instance.Name}, networks, remove)
}

// removeOrphanNetworks removes networks that no release in the ledger runs on.
func (c *Controller) removeOrphanNetworks(ctx context.Context, networks []docker.Network, kept *release.Owned) error {
	orphan := func(network docker.Network) bool {
		id := release.NetworkIDOf(network)
		return !kept.Networks[id] && !c.releases.IsNetworkRetiring(id)
	}
	if !slices.ContainsFunc(networks, orphan) {
		return nil
	}
	// A release that was accepted since the pass began may have found one of them.
	underWay, err := c.reconciler.Ledger.ListUnderWay(ctx)
	if err != nil {
		return err
	}
	for _, release := range underWay {
		kept.AddUnderWay(release)
	}
	var errs []error
	for _, network := range networks {
		if !orphan(network) {
			continue
		}
		c.logger.Info("removing orphan network", "network", network.Name)
		errs = append(errs, c.withinObject(ctx, func(ctx context.Context) error {
			return c.reconciler.Engine.RemoveNetwork(ctx, network.App, network.Release)
		}))
	}
	return errors.Join(errs...)
}

// sweepUploads removes what an earlier process left behind, but for the archives of
// releases: of what is under way, of what runs, and of what may be tried again.
func (c *Controller) sweepUploads(archives []string) error {
	owned := make(map[string]bool, len(archives))
	c.held.AddFiles(owned)
	for _, file := range archives {
		owned[file] = true
	}
	return c.uploads.Sweep(owned)
}
