package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/docker"
	"berth/controller/plan"
	"berth/traefik"
)

const (
	startTimeout   = 2 * time.Minute  // to make a network and start one release's instances
	confirmTimeout = 15 * time.Second // until the proxy shows what was published
	settleTimeout  = 2 * time.Minute  // to clean up after a failure, and to record it
	stopGrace      = 10 * time.Second // between SIGTERM and SIGKILL of an instance
	// drainTime is how long a superseded instance serves on after the proxy has
	// shown the new one: requests that were on their way to it still arrive.
	drainTime = time.Second
	// imagesKept is how many images of an app stay for rollbacks, the live one included.
	imagesKept = 4
)

var errCancelled = errors.New("cancelled by a person")

// shipping knows which releases are being shipped by this process.
type shipping struct {
	mu     sync.Mutex
	active map[ReleaseID]*shipment
	all    sync.WaitGroup
}

func newShipping() *shipping { return &shipping{active: make(map[ReleaseID]*shipment)} }

// shipment is one release on its way. Its steps are the methods below, in the
// order in which a release takes them: a new step gets its place in run.
type shipment struct {
	*Controller
	release Release
	app     App
	service plan.Service
	// environment is what the release runs with; opened before the first line of the log.
	environment openEnvironment
	log         *releaseLog
	cancel      context.CancelCauseFunc
	done        chan struct{}
	stopped     []string // the live instances that stand still for this release
}

// Cancel ends a release that is under way; the app goes on as it was.
func (c *Controller) Cancel(ctx context.Context, id ReleaseID) error {
	release, err := c.Release(ctx, id)
	if err != nil {
		return err
	}
	if !release.State.UnderWay() {
		return &Problem{
			Kind: KindConflict, Message: fmt.Sprintf("The release %s is %s, so there is nothing to cancel.", id, release.State),
			Hint: "Only a release that is under way can be cancelled.",
		}
	}
	if err := c.cancelAndWait(ctx, id); err != nil {
		return err
	}
	if release, err = c.Release(ctx, id); err != nil || release.State != ReleaseLive {
		return err
	}
	return &Problem{
		Kind: KindConflict, Message: fmt.Sprintf("The release %s went live in the same moment.", id),
		Hint: "Roll back to the one before, if it should not serve.",
	}
}

func (c *Controller) cancelAndWait(ctx context.Context, id ReleaseID) error {
	c.shipping.mu.Lock()
	active := c.shipping.active[id]
	c.shipping.mu.Unlock()
	if active == nil {
		return c.finish(ctx, id, ReleaseCancelled, "Cancelled before it began.", "")
	}
	active.cancel(errCancelled)
	select {
	case <-active.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dispatch ships a release in the background, unless it is being shipped
// already or Run has not begun: then the first reconcile finds it in the ledger.
func (c *Controller) dispatch(release Release) {
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
	s := &shipment{Controller: c, release: release, cancel: cancel, done: make(chan struct{})}
	c.shipping.active[release.ReleaseID] = s
	c.shipping.all.Go(func() {
		s.ship(ctx)
		c.shipping.mu.Lock()
		delete(c.shipping.active, release.ReleaseID)
		c.shipping.mu.Unlock()
		c.notices.notify(release.App)
		c.requestReconcile() // for the events of its instances that nobody looked at meanwhile
		cancel(nil)
		close(s.done)
	})
}

func (s *shipping) wait() { s.all.Wait() }

func (s *shipping) has(id ReleaseID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id] != nil
}

// ship takes the release through its steps and records how it ended.
func (s *shipment) ship(ctx context.Context) {
	log, err := s.logs.appendTo(s.release.ReleaseID, func() { s.notices.notify(s.release.App) })
	if err != nil {
		s.logger.Error("open release log", "release", s.release.String(), "error", err)
		return
	}
	s.log = log
	defer log.close()
	began := time.Now()
	if s.environment, err = s.openEnvironmentOf(ctx, s.release.ReleaseID); err == nil {
		log.mask = s.environment.mask
		err = s.run(ctx)
	}
	if err != nil {
		s.fail(ctx, err)
		return
	}
	s.logger.Info("release is live", "release", s.release.String(), "took", time.Since(began))
}

func (s *shipment) run(ctx context.Context) (err error) {
	if s.app, err = s.ledger.FindApp(ctx, s.release.App); err != nil {
		return err
	}
	s.service = s.planOptions().Service()

	// The network's name is known, so it is made while the image is built.
	preparing, prepareCtx := errgroup.WithContext(ctx)
	var network docker.Network
	preparing.Go(func() (err error) {
		prepareCtx, cancel := context.WithTimeout(prepareCtx, startTimeout)
		defer cancel()
		network, err = s.engine.EnsureNetwork(prepareCtx, string(s.app.Name))
		return err
	})
	image, err := s.obtainImage(ctx)
	if prepareErr := preparing.Wait(); err == nil {
		err = prepareErr
	}
	if err != nil {
		return err
	}
	if err := s.prepareVolumes(ctx, image); err != nil {
		return err
	}
	if err := s.displace(ctx); err != nil {
		return err
	}
	if err := s.start(ctx, image, network); err != nil {
		return err
	}
	if err := s.verify(ctx, image); err != nil {
		return err
	}
	return s.promote(ctx)
}

// obtainImage builds the image of the upload, or finds the one that the release has already.
func (s *shipment) obtainImage(ctx context.Context) (docker.Image, error) {
	if s.release.Image != "" {
		s.log.say("using the image that is there already")
		return s.engine.FindImage(ctx, s.release.Image)
	}
	if err := s.line.enter(ctx, s.release.ReleaseID); err != nil {
		return docker.Image{}, err
	}
	defer s.line.leave()
	if err := s.advance(ctx, ReleaseBuilding); err != nil {
		return docker.Image{}, err
	}
	return s.build(ctx)
}

func (s *shipment) build(ctx context.Context) (docker.Image, error) {
	tree, err := s.uploads.open(s.release.Archive, s.limits)
	if err != nil {
		return docker.Image{}, archiveProblem(err)
	}
	defer tree.Close()
	made, err := planFor(tree, s.app.Name, s.planOptions())
	if err != nil {
		return docker.Image{}, archiveProblem(err)
	}
	s.service = made.Services[0]
	s.tellGenerated()
	if err := s.foretell(ctx); err != nil {
		return docker.Image{}, err
	}

	ctx, cancel := context.WithTimeoutCause(ctx, s.buildTimeout, errBuildTimeout)
	defer cancel()
	began := time.Now()
	image, err := s.engine.Build(ctx, docker.BuildOptions{
		App: string(s.app.Name), Release: s.release.Number, Build: s.service.Build,
		Context: tree.LayoutWriter(s.service.Build.Layout()),
	}, s.log.line)
	if err != nil {
		return docker.Image{}, err
	}
	s.log.say("image built in %s", roundSeconds(time.Since(began)))
	if err := s.ledger.UpdateImage(ctx, s.release.ReleaseID, image.ID); err != nil {
		return docker.Image{}, err
	}
	s.release.Image = image.ID
	s.dropArchive(ctx)
	return image, nil
}

// tellGenerated writes into the log what was built where the archive says nothing
// of how, and why so.
func (s *shipment) tellGenerated() {
	generated := s.service.Build.Generated
	if generated == nil {
		return
	}
	s.log.say("the archive has no Dockerfile; it looks like %s", generated.Kind)
	for _, reason := range generated.Reasons {
		s.log.say("%s", reason)
	}
	s.log.say("so it is built with this Dockerfile:")
	for line := range strings.Lines(generated.Dockerfile) {
		s.log.line("    " + strings.TrimRight(line, "\n"))
	}
}

// foretell tells the proxy the verify route before there is an image, so that it
// need not learn it while the instance starts. The port is what the Dockerfile
// exposes; start corrects it where the image knows better.
func (s *shipment) foretell(ctx context.Context) error {
	if err := s.place(ctx, plan.ChoosePort(s.service.Port, s.service.Build.Exposed)); err != nil {
		return err
	}
	return s.publish(ctx)
}

// place records where the instance will be found.
func (s *shipment) place(ctx context.Context, port uint16) error {
	name := s.engine.InstanceName(string(s.app.Name), s.release.Number, s.service.Name)
	address := net.JoinHostPort(name, strconv.Itoa(int(port)))
	if s.release.Address == address {
		return nil
	}
	s.release.Instances, s.release.Address = []string{name}, address
	return s.ledger.UpdateInstances(ctx, s.release.ReleaseID, s.release.Instances, address)
}

// start runs the instance; the proxy confirms its verify route in the meantime.
func (s *shipment) start(ctx context.Context, image docker.Image, network docker.Network) error {
	if err := s.advance(ctx, ReleaseStarting); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	port := plan.ChoosePort(s.service.Port, image.Exposed)
	if err := s.place(ctx, port); err != nil {
		return err
	}
	s.log.say("starting %s, which listens on port %d", s.release.Instances[0], port)

	starting, ctx := errgroup.WithContext(ctx)
	starting.Go(func() error { return s.publishAndConfirm(ctx, s.release.ReleaseID) })
	starting.Go(func() error {
		_, err := s.engine.Start(ctx, s.startOptions(image, network))
		return err
	})
	return starting.Wait()
}

// promote is the commit point: before it nothing that anyone can see has
// changed, after it the rest is repeated until it is true.
func (s *shipment) promote(ctx context.Context) error {
	unlock, err := s.apps.lock(ctx, s.app.Name)
	if err != nil {
		return err
	}
	defer unlock()
	// The last line comes before the commit: who reads along stops at the final state.
	s.log.say("proven; r%d takes over the route now", s.release.Number)
	table, err := s.commit(ctx)
	if err != nil {
		return err
	}
	s.leave()
	s.recordEnd(ctx, ReleaseLive)
	s.notices.notify(s.app.Name)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTimeout)
	defer cancel()
	if err := s.confirm(ctx, table, s.release.ReleaseID); err != nil {
		s.logger.Warn("confirm promoted release", "release", s.release.String(), "error", err)
		s.requestReconcile()
		return nil
	}
	s.observeInstance(ctx, s.app.Name, s.release.Instances)
	s.retireLater(s.app)
	return nil
}

// commit marks the release live, and publishes and returns the table of the same transaction.
// A table that cannot be written is the reconciler's to repeat: the truth stands.
func (s *shipment) commit(ctx context.Context) (traefik.Table, error) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	promoted, err := s.ledger.Promote(ctx, s.release.ReleaseID, time.Now())
	if err != nil {
		return traefik.Table{}, err
	}
	table, err := s.secured(ctx, tableOf(promoted))
	if err == nil {
		err = s.publishTable(table)
	}
	if err != nil {
		s.logger.Error("publish promoted release", "release", s.release.String(), "error", err)
		s.requestReconcile()
	}
	return table, nil
}

// fail cleans up after a release that did not become live, and records why.
// When the controller itself is stopping, the release stays under way and is
// resumed at the next start.
func (s *shipment) fail(ctx context.Context, cause error) {
	if s.running.Err() != nil {
		s.log.say("interrupted, because Berth stops; it is resumed at the next start")
		s.restore(ctx)
		return
	}
	state, reason, hint := s.explain(ctx, cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	s.log.say("%s: %s %s", state, reason, hint)
	s.logger.Warn("release did not become live", "release", s.release.String(), "state", state,
		"error", s.environment.mask.apply(cause.Error()))

	if err := s.finish(ctx, s.release.ReleaseID, state, reason, hint); err != nil {
		s.logger.Error("record failed release", "release", s.release.String(), "error", err)
	}
	s.recordEnd(ctx, state)
	s.dropArchive(ctx)
	for _, name := range s.release.Instances {
		if err := s.engine.Retire(ctx, name, 0); err != nil {
			s.logger.Error("retire failed instance", "instance", name, "error", err)
		}
	}
	s.restore(ctx)
	if s.release.Image != "" && s.release.RollbackOf == 0 {
		if err := s.engine.RemoveImage(ctx, s.release.Image); err != nil {
			s.logger.Warn("remove image of failed release", "release", s.release.String(), "error", err)
		}
	}
	if err := s.publish(ctx); err != nil {
		s.requestReconcile()
	}
}

// recordEnd writes how the release ended into the audit log. Why it failed stays
// in the release: it may quote what the app has printed.
func (s *shipment) recordEnd(ctx context.Context, state ReleaseState) {
	event := AuditEvent{
		Action: ActionReleaseLive, Resource: "release " + s.release.String(), Success: true, Account: s.release.CreatedBy,
	}
	if state != ReleaseLive {
		event.Action, event.Success = ActionReleaseFailed, false
	}
	if state == ReleaseCancelled {
		event.Detail = "cancelled"
	}
	s.audit.Record(ctx, event)
}

// explain says in words how the release ended. What a build or the app has printed
// may be part of it.
func (s *shipment) explain(ctx context.Context, cause error) (state ReleaseState, reason, hint string) {
	if errors.Is(context.Cause(ctx), errCancelled) {
		return ReleaseCancelled, "Cancelled by a person.", ""
	}
	problem := s.diagnose(cause)
	mask := s.environment.mask
	return ReleaseFailed, mask.apply(problem.Message), mask.apply(problem.Hint)
}

func (s *shipment) planOptions() plan.Options { return s.environment.options(s.release.Settings) }

func (s *shipment) startOptions(image docker.Image, network docker.Network) docker.StartOptions {
	return docker.StartOptions{
		App: string(s.app.Name), Release: s.release.Number, Name: s.release.Instances[0],
		Service: s.environment.deliver(s.service), Secrets: s.environment.files, Mounts: engineMounts(s.release.Mounts),
		Image: image, Network: network, Labels: traefik.Labels(s.target(false)),
	}
}

// target is the release as the proxy sees it: live, or only on its verify route.
func (s *shipment) target(proving bool) traefik.Target {
	return targetOf(Routing{
		App: s.app.Name, Release: s.release.Number, Routes: s.app.Routes,
		Address: s.release.Address, Proving: proving,
	})
}

func (s *shipment) advance(ctx context.Context, state ReleaseState) error {
	if err := s.ledger.Advance(ctx, s.release.ReleaseID, state); err != nil {
		return err
	}
	s.notices.notify(s.app.Name)
	return nil
}

func (s *shipment) dropArchive(ctx context.Context) {
	if s.release.Archive == "" {
		return
	}
	if err := s.ledger.ClearArchive(ctx, s.release.ReleaseID); err != nil {
		s.logger.Warn("clear archive", "release", s.release.String(), "error", err)
		return
	}
	s.uploads.remove(s.release.Archive)
	s.release.Archive = ""
}

func (c *Controller) finish(ctx context.Context, id ReleaseID, state ReleaseState, reason, hint string) error {
	err := c.ledger.Finish(ctx, id, state, reason, hint, time.Now())
	c.notices.notify(id.App)
	return err
}

func roundSeconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
