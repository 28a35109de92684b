package routing

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/traefik"
)

// A host can become Berth's own after an app had it: with another BERTH_ADMIN_HOST.
// The app keeps its routes there, which are not published, and everybody is told.

// ReservedRoute is a route of an app on a host that is Berth's own, which does not answer.
type ReservedRoute struct {
	App   app.Name
	Route traefik.Route
}

// ReservedRoutes returns every such route, by app.
func (r *Routes) ReservedRoutes(ctx context.Context) ([]ReservedRoute, error) {
	apps, err := r.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	var found []ReservedRoute
	for _, app := range apps {
		for _, route := range r.ReservedOf(app.Routes) {
			found = append(found, ReservedRoute{app.Name, route})
		}
	}
	return found, nil
}

// ReservedOf returns those of the routes that are on a host that is Berth's own.
func (r *Routes) ReservedOf(routes []traefik.Route) []traefik.Route {
	var found []traefik.Route
	for _, route := range routes {
		if r.isReservedHost(route.Host) {
			found = append(found, route)
		}
	}
	return found
}

// withoutReserved takes what is on Berth's own hosts out of the table. A target that
// has no other route is closed: the proxy is asked whether its routers are gone.
func (r *Routes) withoutReserved(table *traefik.Table) {
	for i := range table.Targets {
		target := &table.Targets[i]
		kept := slices.DeleteFunc(slices.Clone(target.Routes), func(route traefik.Route) bool { return r.isReservedHost(route.Host) })
		if len(kept) == 0 && len(target.Routes) > 0 && !target.Proving {
			target.Access = traefik.Access{Password: true}
			continue
		}
		target.Routes = kept
	}
	table.Redirects = slices.DeleteFunc(slices.Clone(table.Redirects), func(redirect traefik.Redirect) bool { return r.isReservedHost(redirect.From) })
	if r.isReservedHost(table.Home.Host) {
		table.Home = traefik.Route{}
	}
}
