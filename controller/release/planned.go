package release

import (
	"context"
	"net"
	"slices"
	"strconv"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/volume"
)

// planned is a release on its way whose services are known.
type planned struct {
	*shipment
	services []shipped // in their order of start
	network  docker.Network
	taken    uint16 // the port that was found for the main service; 0 leaves the plan's
}

// shipped is one service of a release on its way: its Spec is in the clear, with how
// it is built.
type shipped struct {
	app.ServiceRun
	image   docker.Image
	owner   volume.Owner         // the user that it runs as, where it has volumes
	foreign map[volume.Name]bool // those that it writes into and that are another user's so far
}

// main is the service that the route leads to.
func (p *planned) main() *shipped {
	return &p.services[max(0, slices.IndexFunc(p.services, func(service shipped) bool { return service.Main }))]
}

func (p *planned) find(name string) *shipped {
	at := slices.IndexFunc(p.services, func(service shipped) bool { return service.Spec.Name == name })
	if at < 0 {
		return nil
	}
	return &p.services[at]
}

// name gives every service the names of its instances, and the log the mask of all
// secrets that are known now.
func (p *planned) name() {
	var specs []plan.Service
	for i := range p.services {
		service := &p.services[i]
		service.Instances = p.instanceNames(p.release.ReleaseID, service.Spec)
		specs = append(specs, service.Spec)
	}
	p.environment.Mask = p.environment.MaskWith(specs)
	p.log.SetMask(p.environment.Mask)
}

// place records where the main instances will be found: by a name without a dot, so that
// no service is called like somebody's domain. The engine asks the world for names that
// it does not know, as this one is while nothing runs.
func (p *planned) place(ctx context.Context, port uint16) error {
	p.ports.Ask(port)
	name := p.engine.InstanceName(string(p.app.Name), p.release.Number, "")
	address := net.JoinHostPort(name, strconv.Itoa(int(port)))
	if p.release.Address == address {
		return nil
	}
	p.release.Address = address
	return p.record(ctx)
}

// record writes into the ledger how the services run.
func (p *planned) record(ctx context.Context) error {
	p.describe()
	return p.ledger.UpdateServices(ctx, p.release)
}

// describe makes the services of the release those of the shipment, as the ledger keeps
// them.
func (p *planned) describe() {
	runs := make([]app.ServiceRun, 0, len(p.services))
	for _, service := range p.services {
		run := service.ServiceRun
		if run.Main && p.taken != 0 {
			run.Spec.Port = p.taken
		}
		runs = append(runs, run)
	}
	p.release.Services, p.release.Instances = p.sealed(p.app.Name, runs), app.InstancesOf(runs)
	p.release.Addresses = p.addresses()
}

// ofService names the service in an error, where there are several.
func (p *planned) ofService(service *shipped, err error) error {
	if err == nil || len(p.services) == 1 {
		return err
	}
	return &serviceError{service, err}
}
