package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/controller/volume"
	"berth/traefik"
)

const (
	startTimeout  = 2 * time.Minute // to make a network and start one release's instances
	settleTimeout = 2 * time.Minute // to clean up after a failure, and to record it
	// drainTime is how long a superseded instance serves on after the proxy has
	// shown the new one: requests that were on their way to it still arrive.
	drainTime = time.Second
	// imagesKept is how many images of an app stay for rollbacks, the live one included.
	imagesKept = 4
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

// shipment is one release on its way. Its steps are the methods below, in the
// order in which a release takes them: a new step gets its place in run.
type shipment struct {
	*Shipper
	release  app.Release
	app      app.App
	former   app.Release // the live one, while this one is on its way; zero where there is none
	services []shipped   // in the order in which they start
	network  docker.Network
	// environment is what the release runs with; opened before the first line of the log.
	environment environment.OpenEnvironment
	log         *releaseLog
	cancel      context.CancelCauseFunc
	done        chan struct{}
	stopped     []string // the live instances that stand still for this release
	built       []string // images that were made for it
	crashes     crashes
	ports       ports
	taken       uint16        // for the main service; 0 is as the plan has it
	answered    atomic.Bool   // below 500, when it was asked last
	waited      time.Duration // for what it was waited for last
	unrecorded  bool          // its end could not be written down; the next pass tries again
}

// shipped is one service of a release on its way: its Spec is in the clear, with how
// it is built.
type shipped struct {
	app.ServiceRun
	image   docker.Image
	owner   volume.Owner         // the user that it runs as, where it has volumes
	foreign map[volume.Name]bool // those that it writes into and that are another user's so far
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
	log, err := s.logs.appendTo(s.release.ReleaseID, func() { s.notify(s.release.App) })
	if err != nil {
		s.logger.Error("open release log", "release", s.release.String(), "error", err)
		s.unrecorded = true
		return
	}
	s.log = log
	defer log.close()
	began := time.Now()
	if s.environment, err = s.OpenEnvironmentOf(ctx, s.release.ReleaseID); err == nil {
		log.mask = s.environment.Mask
		err = s.run(ctx)
	}
	if err != nil {
		s.fail(ctx, err)
		return
	}
	s.logger.Info("release is live", "release", s.release.String(), "took", time.Since(began))
}

// resume refuses a release that Berth has been ended with again and again: it may be
// what ends it.
func (s *shipment) resume(ctx context.Context) error {
	if s.release.State == app.ReleaseQueued {
		return nil // this is its first time
	}
	count, err := s.ledger.CountResumption(ctx, s.release.ReleaseID)
	if err != nil || count <= mostResumptions {
		return err
	}
	return problem.Unavailable(
		fmt.Sprintf("Berth ended %d times while this release was under way.", count),
		"See in the log of Berth and of the machine why, such as no memory, before you deploy it again.",
	)
}

func (s *shipment) run(ctx context.Context) (err error) {
	if err := s.resume(ctx); err != nil {
		return err
	}
	if s.app, err = s.history.FindApp(ctx, s.release.App); err != nil {
		return err
	}
	if s.app.Live != 0 {
		if s.former, err = s.ledger.FindRelease(ctx, app.ReleaseID{App: s.app.Name, Number: s.app.Live}); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{s.obtainImages, s.prepareVolumes, s.start, s.verify, s.promote} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// foretell tells the proxy the verify route before there is an image, so that it
// need not learn it while the instance starts. The port is what the Dockerfile
// exposes; start corrects it where the image knows better.
func (s *shipment) foretell(ctx context.Context) error {
	spec := s.main().Spec
	if err := s.place(ctx, plan.ChoosePort(spec.Port, spec.Build.Exposed)); err != nil {
		return err
	}
	return s.routes.Publish(ctx)
}

// place records where the main instances will be found: by a name without a dot, so that
// no service is called like somebody's domain. The engine asks the world for names that
// it does not know, as this one is while nothing runs.
func (s *shipment) place(ctx context.Context, port uint16) error {
	s.ports.ask(port)
	name := s.engine.InstanceName(string(s.app.Name), s.release.Number, "")
	address := net.JoinHostPort(name, strconv.Itoa(int(port)))
	if s.release.Address == address {
		return nil
	}
	s.release.Address = address
	return s.record(ctx)
}

// start runs the instances; the proxy confirms the verify route in the meantime.
func (s *shipment) start(ctx context.Context) error {
	if err := s.advance(ctx, app.ReleaseStarting); err != nil {
		return err
	}
	main := s.main()
	port := plan.ChoosePort(main.Spec.Port, main.image.Exposed)
	if err := s.place(ctx, port); err != nil {
		return err
	}
	s.log.say("starting %s, which listens on port %d", main.Instances[0], port)

	starting, ctx := errgroup.WithContext(ctx)
	starting.Go(func() error { return s.routes.PublishAndConfirm(ctx, s.release.ReleaseID) })
	starting.Go(func() error { return s.startServices(ctx) })
	return starting.Wait()
}

// startServices starts the services in their order, each once those that it depends
// on have come so far.
func (s *shipment) startServices(ctx context.Context) error {
	for i := range s.services {
		service := &s.services[i]
		if service.KeptFrom != 0 {
			if err := s.keep(ctx, service); err != nil {
				return s.ofService(service, err)
			}
			continue
		}
		if err := s.awaitDependencies(ctx, service); err != nil {
			return err
		}
		if err := s.displace(ctx, service); err != nil {
			return err
		}
		if err := s.handVolumes(ctx, service); err != nil {
			return s.ofService(service, err)
		}
		if err := s.startService(ctx, service); err != nil {
			return s.ofService(service, err)
		}
	}
	return nil
}

func (s *shipment) startService(ctx context.Context, service *shipped) error {
	if !service.Main {
		s.log.say("starting %s", service.Spec.Name)
	}
	for _, name := range service.Instances {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		_, err := s.engine.Start(ctx, s.startOptions(service, name))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// promote is the commit point: before it nothing that anyone can see has
// changed, after it the rest is repeated until it is true.
func (s *shipment) promote(ctx context.Context) error {
	unlock, err := s.apps.Lock(ctx, s.app.Name)
	if err != nil {
		return err
	}
	defer unlock()
	// The last line comes before the commit: who reads along stops at the final state.
	s.log.say("Health check passed; r%d is live", s.release.Number)
	table, err := s.routes.Commit(ctx, s.release.ReleaseID, func(ctx context.Context) (app.Table, error) {
		return s.ledger.Promote(ctx, s.release.ReleaseID, time.Now())
	})
	if err != nil {
		return err
	}
	s.leave()
	s.recordEnd(ctx, app.ReleaseLive)
	if err := s.forgetArchives(context.WithoutCancel(ctx), s.app.Name); err != nil {
		s.logger.Warn("forget archives", "release", s.release.String(), "error", err) // the next release does it
	}
	s.notify(s.app.Name)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), routing.ConfirmTimeout)
	defer cancel()
	if err := s.routes.Confirm(ctx, table, s.release.ReleaseID); err != nil {
		s.logger.Warn("confirm promoted release", "release", s.release.String(), "error", err)
		s.requestReconcile()
		return nil
	}
	s.observeLive(ctx, s.release)
	s.retireLater()
	s.seekAssetsLater()
	return nil
}

func (s *shipment) planOptions() plan.Options {
	return s.Permitted(s.environment.Options(s.release.Settings))
}

func (s *shipment) startOptions(service *shipped, name string) docker.StartOptions {
	return s.optionsOf(starting{
		app: s.app, release: s.release, run: service.ServiceRun, image: service.image, network: s.network, environment: s.environment,
	}, name)
}

// target is the release as the proxy sees it: live, or only on its verify route.
func (s *shipment) target(proving bool) traefik.Target {
	return routing.TargetOf(app.Routing{
		App: s.app.Name, Release: s.release.Number, Routes: s.app.Routes,
		Address: s.release.Address, Proving: proving,
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

// inWords is a duration as a person says it: "0.4 s", "38 s", "1 min 5 s", "10 min".
func inWords(d time.Duration) string {
	switch seconds := int(d.Round(time.Second) / time.Second); {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds%60 == 0:
		return fmt.Sprintf("%d min", seconds/60)
	default:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	}
}
