package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/archive"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/volume"
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
	release  Release
	app      App
	former   Release   // the live one, while this one is on its way; zero where there is none
	composed bool      // a compose file says what runs
	services []shipped // in the order in which they start; one where nothing is composed
	network  docker.Network
	// environment is what the release runs with; opened before the first line of the log.
	environment openEnvironment
	log         *releaseLog
	cancel      context.CancelCauseFunc
	done        chan struct{}
	stopped     []string // the live instances that stand still for this release
	built       []string // images that were made for it
}

// shipped is one service of a release on its way: its Spec is in the clear, with how
// it is built.
type shipped struct {
	ServiceRun
	image   docker.Image
	owner   volume.Owner         // the user that it runs as, where it has volumes
	foreign map[volume.Name]bool // those that it writes into and that are another user's so far
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
	if s.app.Live != 0 {
		if s.former, err = s.ledger.FindRelease(ctx, ReleaseID{App: s.app.Name, Number: s.app.Live}); err != nil {
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

// obtainImages builds or pulls the images of the upload, or finds those that the
// release has already. Then it is known which services run, and as what.
func (s *shipment) obtainImages(ctx context.Context) error {
	if s.release.Image != "" {
		s.log.say("using the image that is there already")
		return s.findImages(ctx)
	}
	if err := s.line.enter(ctx, s.release.ReleaseID); err != nil {
		return err
	}
	defer s.line.leave()
	if err := s.advance(ctx, ReleaseBuilding); err != nil {
		return err
	}
	if s.release.Reference != "" {
		return s.pull(ctx)
	}
	return s.build(ctx)
}

// findImages takes the services from the ledger.
func (s *shipment) findImages(ctx context.Context) error {
	s.composed = s.release.Composed()
	var specs []plan.Service
	for _, run := range s.release.Runs() {
		spec, err := s.specOf(s.release, run, s.environment)
		if err != nil {
			return err
		}
		specs = append(specs, spec)
		s.services = append(s.services, shipped{ServiceRun: ServiceRun{Spec: spec, Main: run.Main, Image: run.Image}})
	}
	s.name(specs)
	return s.besideNetwork(ctx, func(ctx context.Context) (err error) {
		for i := range s.services {
			service := &s.services[i]
			if service.image, err = s.findImage(ctx, service.Image); err != nil {
				return err
			}
			service.Image = service.image.ID
		}
		return s.settle(ctx)
	})
}

// besideNetwork does the work while the release's network is made: its name is
// known before.
func (s *shipment) besideNetwork(ctx context.Context, work func(context.Context) error) error {
	preparing, prepareCtx := errgroup.WithContext(ctx)
	preparing.Go(func() (err error) {
		prepareCtx, cancel := context.WithTimeout(prepareCtx, startTimeout)
		defer cancel()
		s.network, err = s.engine.EnsureNetwork(prepareCtx, string(s.app.Name), s.networkNumber())
		return err
	})
	err := work(ctx)
	if prepareErr := preparing.Wait(); err == nil {
		err = prepareErr
	}
	return err
}

func (s *shipment) networkNumber() int64 {
	if s.composed {
		return s.release.Number
	}
	return 0
}

func (s *shipment) build(ctx context.Context) error {
	tree, err := s.uploads.open(s.release.Archive, s.limits)
	if err != nil {
		return archiveProblem(err)
	}
	defer tree.Close()
	made, err := planFor(tree, s.app.Name, s.planOptions())
	if err != nil {
		return archiveProblem(err)
	}
	s.take(made)
	if err := s.foretell(ctx); err != nil {
		return err
	}
	return s.besideNetwork(ctx, func(ctx context.Context) error { return s.makeImages(ctx, tree) })
}

// take makes the plan's services those of the release, and tells about them.
func (s *shipment) take(made plan.Plan) {
	s.composed = made.Composed
	for _, service := range made.Services {
		s.services = append(s.services, shipped{ServiceRun: ServiceRun{Spec: service, Main: service.Name == made.Main}})
	}
	s.name(made.Services)
	for _, note := range made.Notes {
		s.log.say("%s", note)
	}
	s.tellGenerated()
	if !s.composed {
		main := s.main()
		main.Spec = s.environment.deliver(main.Spec)
	}
}

// name gives every service the names of its instances, and the log the mask of all
// secrets that are known now.
func (s *shipment) name(specs []plan.Service) {
	for i := range s.services {
		s.services[i].Instances = s.instanceNames(s.release.ReleaseID, s.services[i].Spec)
	}
	if s.composed {
		s.environment.mask = s.environment.maskWith(specs)
		s.log.setMask(s.environment.mask)
	}
}

// makeImages builds or pulls the image of every service.
func (s *shipment) makeImages(ctx context.Context, tree *archive.Tree) error {
	for i := range s.services {
		service := &s.services[i]
		if err := s.makeImage(ctx, tree, service); err != nil {
			return s.ofService(service, err)
		}
		service.Image = service.image.ID
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.keepImage(ctx); err != nil {
		return err
	}
	if !s.composed { // what a compose file says depends on the variables: it is read again with others
		s.dropArchive(ctx)
	}
	return nil
}

func (s *shipment) makeImage(ctx context.Context, tree *archive.Tree, service *shipped) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.buildTimeout, errBuildTimeout)
	defer cancel()
	began := time.Now()
	if service.Spec.Image != "" {
		service.image, err = s.pullImage(ctx, service.Spec)
		return err
	}
	options := docker.BuildOptions{
		App: string(s.app.Name), Release: s.release.Number, Build: service.Spec.Build,
		Context: tree.LayoutWriter(service.Spec.Build.Layout()),
	}
	if s.composed {
		options.Service = service.Spec.Name
		s.log.say("building %s", service.Spec.Name)
	}
	if service.image, err = s.engine.Build(ctx, options, s.log.line); err != nil {
		return err
	}
	s.built = append(s.built, service.image.ID)
	s.log.say("image built in %s", roundSeconds(time.Since(began)))
	return nil
}

// keepImage records that there is nothing left to build.
func (s *shipment) keepImage(ctx context.Context) error {
	s.release.Image = s.main().Image
	if s.composed {
		return s.record(ctx)
	}
	if s.release.Reference != "" {
		return s.ledger.UpdatePulled(ctx, s.release.ReleaseID, s.release.Image, s.release.Digest)
	}
	return s.ledger.UpdateImage(ctx, s.release.ReleaseID, s.release.Image)
}

// listRuns are the services as the ledger knows them.
func (s *shipment) listRuns() []ServiceRun {
	runs := make([]ServiceRun, 0, len(s.services))
	for _, service := range s.services {
		runs = append(runs, service.ServiceRun)
	}
	return runs
}

// record writes into the ledger how the services run.
func (s *shipment) record(ctx context.Context) error {
	services := s.listRuns()
	s.release.Services, s.release.Instances = s.sealed(s.app.Name, services), instancesOf(services)
	return s.ledger.UpdateServices(ctx, s.release)
}

// main is the service that the route leads to.
func (s *shipment) main() *shipped {
	return &s.services[max(0, slices.IndexFunc(s.services, func(service shipped) bool { return service.Main }))]
}

// tellGenerated writes into the log what was built where the archive says nothing
// of how, and why so.
func (s *shipment) tellGenerated() {
	generated := s.main().Spec.Build.Generated
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
	spec := s.main().Spec
	if err := s.place(ctx, plan.ChoosePort(spec.Port, spec.Build.Exposed)); err != nil {
		return err
	}
	return s.publish(ctx)
}

// place records where the main instance will be found.
func (s *shipment) place(ctx context.Context, port uint16) error {
	name := s.main().Instances[0]
	address := net.JoinHostPort(name, strconv.Itoa(int(port)))
	if s.release.Address == address {
		return nil
	}
	s.release.Address = address
	if s.composed {
		return s.record(ctx)
	}
	s.release.Instances = []string{name}
	return s.ledger.UpdateInstances(ctx, s.release.ReleaseID, s.release.Instances, address)
}

// start runs the instances; the proxy confirms the verify route in the meantime.
func (s *shipment) start(ctx context.Context) error {
	if err := s.advance(ctx, ReleaseStarting); err != nil {
		return err
	}
	main := s.main()
	port := plan.ChoosePort(main.Spec.Port, main.image.Exposed)
	if err := s.place(ctx, port); err != nil {
		return err
	}
	s.log.say("starting %s, which listens on port %d", main.Instances[0], port)

	starting, ctx := errgroup.WithContext(ctx)
	starting.Go(func() error { return s.publishAndConfirm(ctx, s.release.ReleaseID) })
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
	if s.composed && !service.Main {
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
	s.observeLive(ctx, s.release)
	s.retireLater()
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
	table, err := s.secured(ctx, s.tableOf(promoted))
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
	for _, name := range s.ownInstances() {
		if err := s.engine.Retire(ctx, name, 0); err != nil {
			s.logger.Error("retire failed instance", "instance", name, "error", err)
		}
	}
	s.giveBack(ctx)
	s.restore(ctx)
	if s.composed || s.release.Composed() {
		if err := s.engine.RemoveNetwork(ctx, string(s.release.App), s.release.Number); err != nil {
			s.logger.Warn("remove network of failed release", "release", s.release.String(), "error", err)
		}
	}
	s.removeImages(ctx)
	if err := s.publish(ctx); err != nil {
		s.requestReconcile()
	}
}

// ownInstances are the release's without those that an earlier one has started.
func (s *shipment) ownInstances() []string {
	return without(s.release.Instances, s.former.Instances)
}

// removeImages removes what was built for a release that failed.
func (s *shipment) removeImages(ctx context.Context) {
	images := slices.Concat(s.built, without(s.release.images(), s.built))
	images = without(images, s.former.images())
	if s.release.RollbackOf != 0 && len(images) > 0 {
		old, err := s.ledger.FindRelease(ctx, ReleaseID{App: s.release.App, Number: s.release.RollbackOf})
		if err != nil {
			s.logger.Warn("remove images of failed release", "release", s.release.String(), "error", err)
			return
		}
		images = without(images, old.images())
	}
	for _, image := range images {
		if err := s.engine.RemoveImage(ctx, image); err != nil && !errors.Is(err, docker.ErrNotFound) {
			s.logger.Warn("remove image of failed release", "release", s.release.String(), "error", err)
		}
	}
}

// without returns the names that are not among the others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
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

func (s *shipment) planOptions() plan.Options {
	options := s.environment.options(s.release.Settings)
	options.Most = s.most
	return options
}

func (s *shipment) startOptions(service *shipped, name string) docker.StartOptions {
	return s.optionsOf(starting{
		app: s.app, release: s.release, run: service.ServiceRun, image: service.image, network: s.network, environment: s.environment,
	}, name)
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

// dropArchive forgets the archive of the release, and removes the file where it is
// not the one of the release that this one runs again.
func (s *shipment) dropArchive(ctx context.Context) {
	if err := s.forgetArchive(ctx, s.release, s.release.RollbackOf == 0); err != nil {
		s.logger.Warn("clear archive", "release", s.release.String(), "error", err)
		return
	}
	s.release.Archive = ""
}

func (c *Controller) forgetArchive(ctx context.Context, release Release, remove bool) error {
	if release.Archive == "" {
		return nil
	}
	if err := c.ledger.ClearArchive(ctx, release.ReleaseID); err != nil {
		return err
	}
	if remove {
		c.uploads.remove(release.Archive)
	}
	return nil
}

func (c *Controller) finish(ctx context.Context, id ReleaseID, state ReleaseState, reason, hint string) error {
	err := c.ledger.Finish(ctx, id, state, reason, hint, time.Now())
	c.notices.notify(id.App)
	return err
}

func roundSeconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
