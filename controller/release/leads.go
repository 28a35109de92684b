package release

import (
	"cmp"
	"context"
	"maps"
	"net"
	"slices"
	"strconv"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/traefik"
)

// addresses are those of all named services, as far as they are known.
func (p *planned) addresses() map[string]string {
	addresses := make(map[string]string)
	main, _, _ := net.SplitHostPort(p.release.Address) // it is placed before the first start
	for i := range p.services {
		service := &p.services[i]
		switch {
		case service.Sole:
		case service.Main:
			addresses[service.Spec.Name] = p.release.Address
		default:
			port := plan.ChoosePort(service.Spec.Port, slices.Concat(service.Spec.Build.Exposed, service.image.Exposed))
			alias := app.ServiceAlias(main, service.Spec.Name)
			addresses[service.Spec.Name] = net.JoinHostPort(alias, strconv.Itoa(int(port)))
		}
	}
	return addresses
}

// checkDestinations refuses a release that lacks a service which a route leads to.
func (p *planned) checkDestinations() error {
	names := make([]string, 0, len(p.services))
	for i := range p.services {
		names = append(names, p.services[i].Spec.Name)
	}
	return p.app.CheckDestinations(names)
}

// refreshRoutes takes the routes of the app as they are now: they may have changed during
// the build.
func (p *planned) refreshRoutes(ctx context.Context) error {
	found, err := p.history.FindApp(ctx, p.app.Name)
	if err != nil {
		return err
	}
	p.app.Routes, p.app.Destinations = found.Routes, found.Destinations
	return p.checkDestinations()
}

// refuseUnproven refuses to promote while a route leads to what was not proven, because it
// changed in the last moment. The caller holds the app's lock.
func (p *planned) refuseUnproven(ctx context.Context) error {
	found, err := p.history.FindApp(ctx, p.app.Name)
	if err != nil {
		return err
	}
	return p.app.CheckProven(found)
}

// probeLeads asks every other address that a route leads to.
func (p *planned) probeLeads(ctx context.Context) error {
	asked := make(map[string]bool)
	for _, route := range slices.SortedFunc(maps.Keys(p.app.Destinations), func(a, b traefik.Route) int { return cmp.Compare(a.String(), b.String()) }) {
		part := p.target(true).At(route)
		if asked[part.Address] {
			continue
		}
		asked[part.Address] = true
		if answered, err := p.probe(ctx, part, app.Readiness{}); !answered {
			to := p.app.Destinations[route]
			return p.ofService(cmp.Or(p.find(to.Service), p.main()), &leadError{route, to, err})
		}
	}
	return nil
}

// leadError says which route does not answer.
type leadError struct {
	route traefik.Route
	to    app.Destination
	err   error
}

func (e *leadError) Error() string { return e.route.String() + ": " + e.err.Error() }
func (e *leadError) Unwrap() error { return e.err }
