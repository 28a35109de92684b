package routing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"berth/controller/app"
	"berth/controller/printable"
	"berth/controller/problem"
)

// Services returns the names of the services that routes of the app can lead to, those of
// its live release; none if that was made without a compose file.
func (r *Routes) Services(ctx context.Context, name app.Name) ([]string, error) {
	found, err := r.findApp(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.servicesOf(ctx, found)
}

func (r *Routes) servicesOf(ctx context.Context, found app.App) ([]string, error) {
	if found.Live == 0 {
		return nil, nil
	}
	live, err := r.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
	return slices.Sorted(maps.Keys(live.Addresses)), err
}

// ParseDestination returns where a route is to lead: a service, which may be empty for the
// main one, and a port, which may be empty for the service's own.
func (r *Routes) ParseDestination(service, port string) (app.Destination, error) {
	to := app.Destination{Service: service}
	if port == "" {
		return to, nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return to, problem.Invalid(fmt.Sprintf("%.60q is no port.", port), "Write a number from 1 to 65535, or leave it empty for the service's own port.").At("port")
	}
	to.Port = uint16(number)
	return to, nil
}

// checkDestination refuses a service that the live release does not have.
func (r *Routes) checkDestination(ctx context.Context, found app.App, to app.Destination) error {
	if to.Service == "" {
		return nil
	}
	services, err := r.servicesOf(ctx, found)
	if err != nil || slices.Contains(services, to.Service) {
		return err
	}
	hint := "Lead the route to the main service, or deploy a compose file with this service first."
	if len(services) > 0 {
		hint = fmt.Sprintf("Choose one of %s.", printable.List(services))
	}
	return problem.Conflict(fmt.Sprintf("What runs of %s has no service %.80q that a route can lead to.", found.Name, to.Service), hint).At("service")
}
