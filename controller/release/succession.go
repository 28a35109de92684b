package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/volume"
)

// settle decides which services with data go on as they are, and says what happens to
// all of them.
func (p *planned) settle(ctx context.Context) error {
	for i := range p.services {
		service := &p.services[i]
		old, err := p.unchanged(ctx, service)
		if err != nil {
			return err
		}
		if old == nil {
			continue
		}
		if service.image, err = p.images.FindImage(ctx, old.Image); err != nil {
			return err
		}
		service.Image, service.Instances = old.Image, old.Instances
		service.KeptFrom = cmp.Or(old.KeptFrom, p.former.Number)
	}
	if err := p.record(ctx); err != nil {
		return err
	}
	p.tellPlan()
	return nil
}

// unchanged returns the live service that goes on as this one, or nil: one with data,
// that runs, and of which nothing has changed. The main service is always made anew:
// what is proven is what was deployed.
func (p *planned) unchanged(ctx context.Context, service *shipped) (*app.ServiceRun, error) {
	at := slices.IndexFunc(p.former.Services, func(run app.ServiceRun) bool { return run.Spec.Name == service.Spec.Name })
	if at < 0 || service.Main || !service.Spec.Stateful() || service.Spec.Restart.Mode == plan.Never {
		return nil, nil
	}
	old := p.former.Services[at]
	moved := p.former.Settings.Egress.Mode != p.release.Settings.Egress.Mode // its resolver and its proxy are others
	if old.Main || moved || p.startsAgain(service) || !p.runs(ctx, old) {
		return nil, nil
	}
	former, err := p.OpenEnvironmentOf(ctx, p.former.ReleaseID)
	if err != nil {
		return nil, err
	}
	if same, err := p.SameDefinition(p.former, old, service.Spec, p.environment, former); err != nil || !same {
		return nil, err
	}
	if old.Image == service.Image {
		return &old, nil
	}
	image, err := p.images.FindImage(ctx, old.Image)
	if errors.Is(err, docker.ErrNotFound) {
		return nil, nil
	}
	if err != nil || image.Content == "" || image.Content != service.image.Content {
		return nil, err
	}
	return &old, nil
}

// startsAgain reports whether the file wants the service started again after one that
// it depends on was replaced, and one is.
func (p *planned) startsAgain(service *shipped) bool {
	return slices.ContainsFunc(service.Spec.DependsOn, func(dependency plan.Dependency) bool {
		other := p.find(dependency.Service)
		return dependency.Restart && other != nil && other.KeptFrom == 0
	})
}

// runs reports whether all instances of a live service do.
func (s *shipment) runs(ctx context.Context, run app.ServiceRun) bool {
	for _, name := range run.Instances {
		if instance, err := s.engine.Inspect(ctx, name); err != nil || !instance.Condition.Running {
			return false
		}
	}
	return true
}

// tellPlan says in the log what restarts and what does not.
func (p *planned) tellPlan() {
	for i := range p.services {
		service := &p.services[i]
		name := service.Spec.Name
		switch {
		case service.Sole:
		case service.KeptFrom != 0:
			p.log.Say("the plan: %s is kept as it is, with its data; it runs since r%d", name, service.KeptFrom)
		case len(p.displacedBy(service)) > 0:
			p.log.Say("the plan: %s is replaced; the old one stops first, because they write into the same volume", name)
		case p.former.Number != 0 && !service.RunsOnce():
			p.log.Say("the plan: %s starts beside the old one", name)
		default:
			p.log.Say("the plan: %s starts", name)
		}
	}
}

// keep lets a service of the live release serve this one too, on its network.
func (p *planned) keep(ctx context.Context, service *shipped) error {
	p.log.Say("keeping %s", service.Spec.Name)
	for _, name := range service.Instances {
		aliases := slices.Concat(service.Spec.Aliases, p.startOptions(service, name).Aliases)
		if err := p.engine.Connect(ctx, name, p.network, aliases); err != nil {
			return err
		}
	}
	return nil
}

// displacedBy are the live instances that write into a volume that the service writes
// into, and that it replaces.
func (s *shipment) displacedBy(service *shipped) []string {
	if s.former.Number == 0 {
		return nil
	}
	written := service.Written(s.release)
	var names []string
	for _, old := range s.former.Services {
		shares := func(name volume.Name) bool { return slices.Contains(written, name) }
		if slices.ContainsFunc(old.Written(s.former), shares) {
			names = append(names, without(old.Instances, s.release.Instances)...)
		}
	}
	return names
}

// displace stops the live instances that write into a volume that the service writes
// into: two at once would spoil it. restore starts them again.
func (s *shipment) displace(ctx context.Context, service *shipped) error {
	names := slices.DeleteFunc(without(s.displacedBy(service), s.stopped), func(name string) bool { return s.ran(ctx, name) })
	if len(names) == 0 {
		return nil
	}
	unlock, err := s.apps.Lock(ctx, s.app.Name)
	if err != nil {
		return err
	}
	defer unlock()
	// Also where the app is stopped: it may still be ending, and nobody may start it meanwhile.
	s.log.Say("stopping %s of r%d: it writes into a volume that r%d writes into, and they must not do so at once",
		app.NameList(names), s.former.Number, s.release.Number)
	s.stopped = append(s.stopped, names...)
	s.displaced.set(names, true)
	s.routes.BeginReplacement(ctx, s.former, names)
	for _, name := range names {
		if err := s.engine.Stop(ctx, name, s.former.GraceOf(name)); err != nil && !errors.Is(err, docker.ErrNotFound) {
			return fmt.Errorf("stop %s: %w", name, err)
		}
	}
	return nil
}

// ran reports whether a live instance has ended well, and is not to run again.
func (s *shipment) ran(ctx context.Context, name string) bool {
	instance, err := s.engine.Inspect(ctx, name)
	return err == nil && slices.ContainsFunc(s.former.Services, func(run app.ServiceRun) bool {
		return slices.Contains(run.Instances, name) && run.Done(instance.Condition)
	})
}
