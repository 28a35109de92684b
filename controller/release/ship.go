package release

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/diagnosis"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/listening"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/releaselog"
	"berth/controller/routing"
	"berth/traefik"
)

const (
	startTimeout  = 2 * time.Minute // to make a network and start one release's instances
	settleTimeout = 2 * time.Minute // to clean up after a failure, and to record it
	// drainTime is how long a superseded instance serves on after the proxy has
	// shown the new one: requests that were on their way to it still arrive.
	drainTime = time.Second
	// mostResumptions is how many processes may go on with a release that others have begun.
	mostResumptions = 5
)

var errCancelled = errors.New("cancelled by a person")

// shipping knows which releases are being shipped by this process.
type shipping struct {
	mu     sync.Mutex
	active map[app.ReleaseID]*shipment
	all    sync.WaitGroup
}

func newShipping() *shipping { return &shipping{active: make(map[app.ReleaseID]*shipment)} }

// shipment is one release on its way: what it needs, and what a failure undoes and
// explains. Its steps are those of the ladder.
type shipment struct {
	*Shipper
	release app.Release
	app     app.App
	former  app.Release // the live one, while this one is on its way; zero where there is none
	// environment is what the release runs with; opened before the first line of the log.
	environment environment.OpenEnvironment
	log         *releaselog.Log
	cancel      context.CancelCauseFunc
	done        chan struct{}
	stopped     []string // the live instances that stand still for this release
	built       []string // images that were made for it
	crashes     diagnosis.Crashes
	ports       listening.Ports
	answered    atomic.Bool   // below 500, when it was asked last
	waited      time.Duration // for what it was waited for last
	unrecorded  bool          // its end could not be written down; the next pass tries again
}

// CancelAndWait ends a release that is under way, and returns once its end is recorded.
func (c *Shipper) CancelAndWait(ctx context.Context, id app.ReleaseID) error {
	c.shipping.mu.Lock()
	active := c.shipping.active[id]
	c.shipping.mu.Unlock()
	if active == nil {
		return c.finish(ctx, id, app.ReleaseCancelled, "Cancelled before it began.", "")
	}
	active.cancel(errCancelled)
	select {
	case <-active.done: // also where it could not even record its own end
		return c.finish(ctx, id, app.ReleaseCancelled, "Cancelled by a person.", "")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Dispatch ships a release in the background, unless it is being shipped
// already or Run has not begun: then the first reconcile finds it in the ledger.
func (c *Shipper) Dispatch(release app.Release) {
	select {
	case <-c.started:
	default:
		return
	}
	c.shipping.mu.Lock()
	defer c.shipping.mu.Unlock()
	if c.shipping.active[release.ReleaseID] != nil || c.running.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(c.running)
	s := &shipment{Shipper: c, release: release, cancel: cancel, done: make(chan struct{})}
	c.shipping.active[release.ReleaseID] = s
	c.shipping.all.Go(func() {
		s.ship(ctx)
		c.shipping.mu.Lock()
		delete(c.shipping.active, release.ReleaseID)
		c.shipping.mu.Unlock()
		c.notify(release.App)
		if !s.unrecorded { // else a full disk would have it shipped again and again without a pause
			c.requestReconcile() // for the events of its instances that nobody looked at meanwhile
		}
		cancel(nil)
		close(s.done)
	})
}

func (s *shipping) wait() { s.all.Wait() }

func (s *shipping) has(id app.ReleaseID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id] != nil
}

// ship takes the release through its steps and records how it ended. Whoever asked
// for it may hold a release that has ended since: only what the ledger says now, with
// the release in the hands of this shipment alone, is true.
func (s *shipment) ship(ctx context.Context) {
	release, err := s.ledger.FindRelease(context.WithoutCancel(ctx), s.release.ReleaseID) // also for one that is cancelled at once
	switch {
	case errors.Is(err, problem.ErrNotFound), err == nil && !release.State.UnderWay():
		return
	case err != nil:
		s.logger.Error("find release to ship", "release", s.release.String(), "error", err)
		return // it stays under way: the next reconcile asks again
	}
	s.release = release
	log, err := s.logs.AppendTo(s.release.ReleaseID, func() { s.notify(s.release.App) })
	if err != nil {
		s.logger.Error("open release log", "release", s.release.String(), "error", err)
		s.unrecorded = true
		return
	}
	s.log = log
	defer log.Close()
	began := time.Now()
	if s.environment, err = s.OpenEnvironmentOf(ctx, s.release.ReleaseID); err == nil {
		log.SetMask(s.environment.Mask)
		s.awaitEngine(ctx)
		err = s.run(ctx)
	}
	if err != nil {
		s.fail(ctx, err)
		return
	}
	s.logger.Info("release is live", "release", s.release.String(), "took", time.Since(began))
}

// foretell tells the proxy the verify route before there is an image, so that it
// need not learn it while the instance starts. The port is what the Dockerfile
// exposes; start corrects it where the image knows better.
func (p *planned) foretell(ctx context.Context) error {
	spec := p.main().Spec
	if err := p.place(ctx, plan.ChoosePort(spec.Port, spec.Build.Exposed)); err != nil {
		return err
	}
	return p.routes.Publish(ctx)
}

// start runs the instances; the proxy confirms the verify route in the meantime.
func (i images) start(ctx context.Context) (instances, error) {
	if err := i.checkReadiness(); err != nil {
		return instances{}, err
	}
	if err := i.prepareVolumes(ctx); err != nil {
		return instances{}, err
	}
	if err := i.advance(ctx, app.ReleaseStarting); err != nil {
		return instances{}, err
	}
	main := i.main()
	port := plan.ChoosePort(main.Spec.Port, main.image.Exposed)
	if err := i.place(ctx, port); err != nil {
		return instances{}, err
	}
	i.log.Say("starting %s, which listens on port %d", main.Instances[0], port)

	starting, ctx := errgroup.WithContext(ctx)
	starting.Go(func() error { return i.routes.PublishAndConfirm(ctx, i.release.ReleaseID) })
	starting.Go(func() error { return i.startServices(ctx) })
	if err := starting.Wait(); err != nil {
		return instances{}, err
	}
	return instances{i}, nil
}

// startServices starts the services in their order, each once those that it depends
// on have come so far.
func (p *planned) startServices(ctx context.Context) error {
	for i := range p.services {
		service := &p.services[i]
		if service.KeptFrom != 0 {
			if err := p.keep(ctx, service); err != nil {
				return p.ofService(service, err)
			}
			continue
		}
		if err := p.awaitDependencies(ctx, service); err != nil {
			return err
		}
		if err := p.displace(ctx, service); err != nil {
			return err
		}
		if err := p.handVolumes(ctx, service); err != nil {
			return p.ofService(service, err)
		}
		if err := p.startService(ctx, service); err != nil {
			return p.ofService(service, err)
		}
	}
	return nil
}

func (p *planned) startService(ctx context.Context, service *shipped) error {
	if !service.Main {
		p.log.Say("starting %s", service.Spec.Name)
	}
	for _, name := range service.Instances {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		_, err := p.engine.Start(ctx, p.startOptions(service, name))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// promote is the commit point: before it nothing that anyone can see has
// changed, after it the rest is repeated until it is true.
func (p proof) promote(ctx context.Context) (promoted, error) {
	unlock, err := p.apps.Lock(ctx, p.app.Name)
	if err != nil {
		return promoted{}, err
	}
	if err := p.refuseUnproven(ctx); err != nil {
		unlock()
		return promoted{}, err
	}
	// The last line comes before the commit: who reads along stops at the final state.
	p.log.Say("Health check passed; r%d is live", p.release.Number)
	table, err := p.routes.Commit(ctx, p.release.ReleaseID, func(ctx context.Context) (app.Table, error) {
		return p.ledger.Promote(ctx, p.release.ReleaseID, time.Now())
	})
	if err != nil {
		unlock()
		return promoted{}, err
	}
	return promoted{p.shipment, table, unlock}, nil
}

// publish waits until the proxy sends visitors to the release, and retires what it
// supersedes. The reconciler repeats what fails here.
func (p promoted) publish(ctx context.Context) {
	defer p.unlock()
	p.leave(ctx)
	p.recordEnd(ctx, app.ReleaseLive)
	if err := p.forgetArchives(context.WithoutCancel(ctx), p.app.Name); err != nil {
		p.logger.Warn("forget archives", "release", p.release.String(), "error", err) // the next release does it
	}
	p.notify(p.app.Name)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), routing.ConfirmTimeout)
	defer cancel()
	if err := p.routes.Confirm(ctx, p.table, p.release.ReleaseID); err != nil {
		p.logger.Warn("confirm promoted release", "release", p.release.String(), "error", err)
		p.requestReconcile()
		return
	}
	p.observeLive(ctx, p.release)
	p.retireLater()
	p.seekAssetsLater()
}

func (s *shipment) planOptions() plan.Options {
	return s.Permitted(s.environment.Options(s.release.Settings))
}

func (p *planned) startOptions(service *shipped, name string) docker.StartOptions {
	return p.optionsOf(starting{
		app: p.app, release: p.release, run: service.ServiceRun, image: service.image, network: p.network, environment: p.environment,
	}, name)
}

// target is the release as the proxy sees it: live, or only on its verify route.
func (s *shipment) target(proving bool) traefik.Target {
	return routing.TargetOf(app.Routing{
		App: s.app.Name, Release: s.release.Number, Routes: s.app.Routes,
		Address: s.release.Address, Scheme: s.release.Settings.Readiness.Scheme, Leads: s.app.Leads(s.release), Proving: proving,
	})
}

func (s *shipment) advance(ctx context.Context, state app.ReleaseState) error {
	if err := s.ledger.Advance(ctx, s.release.ReleaseID, state); err != nil {
		return err
	}
	s.notify(s.app.Name)
	return nil
}

func (c *Shipper) forgetArchive(ctx context.Context, release app.Release, remove bool) error {
	if release.Archive == "" {
		return nil
	}
	if err := c.ledger.ClearArchive(ctx, release.ReleaseID); err != nil {
		return err
	}
	if remove {
		c.uploads.Remove(release.Archive)
	}
	return nil
}

func roundSeconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
