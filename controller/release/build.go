package release

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
)

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
	if err := s.advance(ctx, app.ReleaseBuilding); err != nil {
		return err
	}
	if s.release.Reference != "" {
		return s.pull(ctx)
	}
	return s.build(ctx)
}

// findImages takes the services from the ledger.
func (s *shipment) findImages(ctx context.Context) error {
	for _, run := range s.release.Services {
		spec, err := s.specOf(s.release.App, run, s.environment)
		if err != nil {
			return err
		}
		s.services = append(s.services, shipped{ServiceRun: app.ServiceRun{Spec: spec, Main: run.Main, Sole: run.Sole, Image: run.Image}})
	}
	s.name()
	return s.besideNetwork(ctx, func(ctx context.Context, makeNetwork func()) (err error) {
		makeNetwork()
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

// besideNetwork does the work while the release's network is made: its name is known
// before. The work says when; at the latest, the network is made after it.
func (s *shipment) besideNetwork(ctx context.Context, work func(ctx context.Context, makeNetwork func()) error) error {
	preparing, prepareCtx := errgroup.WithContext(ctx)
	makeNetwork := sync.OnceFunc(func() {
		preparing.Go(func() (err error) {
			prepareCtx, cancel := context.WithTimeout(prepareCtx, startTimeout)
			defer cancel()
			s.network, err = s.engine.EnsureNetwork(prepareCtx, string(s.app.Name), s.release.Network())
			return err
		})
	})
	err := work(ctx, makeNetwork)
	if err == nil {
		makeNetwork()
	}
	if prepareErr := preparing.Wait(); err == nil {
		err = prepareErr
	}
	return err
}

func (s *shipment) build(ctx context.Context) error {
	tree, err := s.uploads.Open(s.release.Archive)
	if err != nil {
		return problem.Refused("archive", err)
	}
	defer tree.Close()
	made, err := PlanFor(ctx, tree, s.app.Name, s.planOptions())
	if err != nil {
		return problem.Refused("archive", err)
	}
	s.take(made)
	if err := s.foretell(ctx); err != nil {
		return err
	}
	return s.besideNetwork(ctx, func(ctx context.Context, makeNetwork func()) error {
		return s.makeImages(ctx, tree, makeNetwork)
	})
}

// take makes the plan's services those of the release, and tells about them.
func (s *shipment) take(made plan.Plan) {
	for _, service := range made.Services {
		s.services = append(s.services, shipped{ServiceRun: app.ServiceRun{Spec: service, Main: service.Name == made.Main, Sole: !made.Composed}})
	}
	s.name()
	s.describe()
	for _, note := range made.Notes {
		s.log.say("%s", note)
	}
	s.tellGenerated()
}

// name gives every service the names of its instances, and the log the mask of all
// secrets that are known now.
func (s *shipment) name() {
	var specs []plan.Service
	for i := range s.services {
		service := &s.services[i]
		service.Instances = s.instanceNames(s.release.ReleaseID, service.Spec)
		specs = append(specs, service.Spec)
	}
	s.environment.Mask = s.environment.MaskWith(specs)
	s.log.setMask(s.environment.Mask)
}

// makeImages builds or pulls the image of every service. The network is made once the
// first build has begun, as its beginning is when the engine starts many processes, one
// after the other with those that make a network.
func (s *shipment) makeImages(ctx context.Context, tree *archive.Tree, makeNetwork func()) error {
	for i := range s.services {
		service := &s.services[i]
		if err := s.makeImage(ctx, tree, service, makeNetwork); err != nil {
			return s.ofService(service, err)
		}
		service.Image = service.image.ID
		if service.Spec.Health == nil && service.image.AsksTooOften() {
			s.log.say("the image asks its health check more often than once in %s, which is the least: it is asked so here", plan.LeastInterval)
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.release.Image = s.main().Image // there is nothing left to build
	return s.record(ctx)
}

func (s *shipment) makeImage(ctx context.Context, tree *archive.Tree, service *shipped, begun func()) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.buildTimeout, errBuildTimeout)
	defer cancel()
	began := time.Now()
	if service.Spec.Image != "" {
		begun()
		service.image, err = s.pullImage(ctx, service.Spec)
		return err
	}
	layout := service.Spec.Build.Layout()
	files, err := tree.LayoutFS(ctx, layout)
	if err != nil {
		return err
	}
	options := docker.BuildOptions{
		App: string(s.app.Name), Release: s.release.Number, Service: service.Spec.Name, Build: service.Spec.Build,
		Context: tree.LayoutWriter(layout), Files: files, Disk: s.buildDisk,
	}
	if !service.Sole {
		s.log.say("building %s", service.Spec.Name)
	}
	if service.image, err = s.images.Build(ctx, options, func(line string) {
		begun()
		s.log.line(line)
	}); err != nil {
		return err
	}
	s.built = append(s.built, service.image.ID)
	s.log.say("image built in %s", roundSeconds(time.Since(began)))
	return nil
}

// record writes into the ledger how the services run.
func (s *shipment) record(ctx context.Context) error {
	s.describe()
	return s.ledger.UpdateServices(ctx, s.release)
}

// describe makes the services of the release those of the shipment, as the ledger keeps
// them.
func (s *shipment) describe() {
	runs := make([]app.ServiceRun, 0, len(s.services))
	for _, service := range s.services {
		run := service.ServiceRun
		if run.Main && s.taken != 0 {
			run.Spec.Port = s.taken
		}
		runs = append(runs, run)
	}
	s.release.Services, s.release.Instances = s.sealed(s.app.Name, runs), app.InstancesOf(runs)
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
