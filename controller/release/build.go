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
	"berth/controller/look"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/routing"
)

// obtainImages builds or pulls the images of the upload, or finds those that the
// release has already. Then it is known which services run, and as what.
func (q queued) obtainImages(ctx context.Context) (images, error) {
	made := &planned{shipment: q.shipment}
	if q.release.Image != "" && len(q.release.Services) > 0 {
		q.log.Say("using the image that is there already")
		return images{made}, made.findImages(ctx)
	}
	if err := q.line.Enter(ctx, q.release.ReleaseID); err != nil {
		return images{}, err
	}
	defer q.line.Leave()
	if err := q.advance(ctx, app.ReleaseBuilding); err != nil {
		return images{}, err
	}
	if q.release.Reference != "" {
		return images{made}, made.pull(ctx)
	}
	return images{made}, made.build(ctx)
}

// findImages takes the services from the ledger.
func (p *planned) findImages(ctx context.Context) error {
	for _, run := range p.release.Services {
		spec, err := p.specOf(p.release.App, run, p.environment)
		if err != nil {
			return err
		}
		p.services = append(p.services, shipped{ServiceRun: app.ServiceRun{Spec: spec, Main: run.Main, Sole: run.Sole, Image: run.Image}})
	}
	p.name()
	if err := p.checkDestinations(); err != nil {
		return err
	}
	return p.besideNetwork(ctx, func(ctx context.Context, makeNetwork func()) (err error) {
		makeNetwork()
		for i := range p.services {
			service := &p.services[i]
			if service.image, err = p.findImage(ctx, service.Image); err != nil {
				return err
			}
			service.Image = service.image.ID
		}
		return p.settle(ctx)
	})
}

// besideNetwork does the work while the release's network is made: its name is known
// before. The work says when; at the latest, the network is made after it.
func (p *planned) besideNetwork(ctx context.Context, work func(ctx context.Context, makeNetwork func()) error) error {
	network := p.release.Network() // the work changes the release meanwhile
	preparing, prepareCtx := errgroup.WithContext(ctx)
	makeNetwork := sync.OnceFunc(func() {
		preparing.Go(func() (err error) {
			prepareCtx, cancel := context.WithTimeout(prepareCtx, startTimeout)
			defer cancel()
			p.network, err = p.engine.EnsureNetwork(prepareCtx, string(p.app.Name), network)
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

func (p *planned) build(ctx context.Context) error {
	tree, err := p.uploads.Open(p.release.Archive)
	if err != nil {
		return problem.Refused("archive", err)
	}
	defer tree.Close()
	made, err := PlanFor(ctx, tree, p.app.Name, p.planOptions())
	if err != nil {
		return problem.Refused("archive", err)
	}
	p.take(made)
	if err := p.checkDestinations(); err != nil {
		return err
	}
	if err := p.foretell(ctx); err != nil {
		return err
	}
	return p.besideNetwork(ctx, func(ctx context.Context, makeNetwork func()) error {
		return p.makeImages(ctx, tree, makeNetwork)
	})
}

// take makes the plan's services those of the release, and tells about them.
func (p *planned) take(made plan.Plan) {
	for _, service := range made.Services {
		if !made.Composed {
			service = p.environment.Deliver(service)
		}
		p.services = append(p.services, shipped{ServiceRun: app.ServiceRun{Spec: service, Main: service.Name == made.Main, Sole: !made.Composed}})
	}
	p.name()
	p.describe()
	for _, note := range slices.Concat(made.Notes, routing.Unmet(p.app, made)) {
		p.log.Say("%s", note)
	}
	p.tellGenerated()
}

// makeImages builds or pulls the image of every service. The network is made once the
// first build has begun, as its beginning is when the engine starts many processes, one
// after the other with those that make a network.
func (p *planned) makeImages(ctx context.Context, tree *archive.Tree, makeNetwork func()) error {
	for i := range p.services {
		service := &p.services[i]
		if err := p.makeImage(ctx, tree, service, makeNetwork); err != nil {
			return p.ofService(service, err)
		}
		service.Image = service.image.ID
		p.declare(service)
		for _, note := range look.Notes(service.Spec, service.image) {
			p.log.Say("%s", note)
		}
		if service.Spec.Health == nil && service.image.AsksTooOften() {
			p.log.Say("the image asks its health check more often than once in %s, which is the least: it is asked so here", plan.LeastInterval)
		}
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	p.release.Image = p.main().Image // there is nothing left to build
	return p.record(ctx)
}

func (p *planned) makeImage(ctx context.Context, tree *archive.Tree, service *shipped, begun func()) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.buildTimeout, errBuildTimeout)
	defer cancel()
	began := time.Now()
	if service.Spec.Image != "" {
		begun()
		service.image, err = p.pullImage(ctx, service.Spec)
		return err
	}
	layout := service.Spec.Build.Layout()
	files, err := tree.LayoutFS(ctx, layout)
	if err != nil {
		return err
	}
	options := docker.BuildOptions{
		App: string(p.app.Name), Release: p.release.Number, Service: service.Spec.Name, Build: service.Spec.Build,
		Context: tree.LayoutWriter(layout), Files: files, Disk: p.buildDisk, Secrets: make(map[string]string),
	}
	for _, name := range service.Spec.Build.Secrets {
		options.Secrets[name] = p.environment.Secrets[name]
	}
	if !service.Sole {
		p.log.Say("building %s", service.Spec.Name)
	}
	if service.image, err = p.images.Build(ctx, options, func(line string) {
		begun()
		p.log.Line(line)
	}); err != nil {
		return err
	}
	p.built = append(p.built, service.image.ID)
	p.log.Say("image built in %s", roundSeconds(time.Since(began)))
	return nil
}

// tellGenerated writes into the log what was built where the archive says nothing
// of how, and why so.
func (p *planned) tellGenerated() {
	generated := p.main().Spec.Build.Generated
	if generated == nil {
		return
	}
	p.log.Say("the archive has no Dockerfile; it looks like %s", generated.Kind)
	for _, reason := range generated.Reasons {
		p.log.Say("%s", reason)
	}
	p.log.Say("so it is built with this Dockerfile:")
	for line := range strings.Lines(generated.Dockerfile) {
		p.log.Line("    " + strings.TrimRight(line, "\n"))
	}
}
