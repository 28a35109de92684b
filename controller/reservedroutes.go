package controller

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
func (c *Controller) ReservedRoutes(ctx context.Context) ([]ReservedRoute, error) {
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	var found []ReservedRoute
	for _, app := range apps {
		for _, route := range c.reservedOf(app.Routes) {
			found = append(found, ReservedRoute{app.Name, route})
		}
	}
	return found, nil
}

func (c *Controller) reservedOf(routes []traefik.Route) []traefik.Route {
	var found []traefik.Route
	for _, route := range routes {
		if c.isReservedHost(route.Host) {
			found = append(found, route)
		}
	}
	return found
}

// withoutReserved takes what is on Berth's own hosts out of the table. A target that
// has no other route is closed: the proxy is asked whether its routers are gone.
func (c *Controller) withoutReserved(table *traefik.Table) {
	for i := range table.Targets {
		target := &table.Targets[i]
		kept := slices.DeleteFunc(slices.Clone(target.Routes), func(r traefik.Route) bool { return c.isReservedHost(r.Host) })
		if len(kept) == 0 && len(target.Routes) > 0 && !target.Proving {
			target.Access = traefik.Access{Password: true}
			continue
		}
		target.Routes = kept
	}
	table.Redirects = slices.DeleteFunc(slices.Clone(table.Redirects), func(r traefik.Redirect) bool { return c.isReservedHost(r.From) })
	if c.isReservedHost(table.Home.Host) {
		table.Home = traefik.Route{}
	}
}
