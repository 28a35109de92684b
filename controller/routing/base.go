package routing

import (
	"context"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// nameRoute is what the base domain gives an app by its name. There is none where
// no base domain is set, or where the name cannot be a part of a host.
func (r *Routes) nameRoute(name app.Name) (traefik.Route, bool) {
	if r.base == "" {
		return traefik.Route{}, false
	}
	host, err := traefik.ParseHost(string(name) + "." + string(r.base))
	if err != nil || r.isReservedHost(host) {
		return traefik.Route{}, false
	}
	return traefik.Route{Host: host, Path: "/"}, true
}

// HasName reports whether the base domain gives an app of this name a host.
func (r *Routes) HasName(name app.Name) bool {
	_, ok := r.nameRoute(name)
	return ok
}

// Derived returns what each app has by its name, but for hosts that redirect or
// that an app was given before there was a base domain.
func (r *Routes) Derived(ctx context.Context, apps []app.App) (map[app.Name][]traefik.Route, error) {
	if r.base == "" {
		return nil, nil
	}
	redirects, err := r.ledger.ListRedirects(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	taken := make(map[traefik.Route]bool)
	for _, redirect := range redirects {
		taken[traefik.Route{Host: redirect.From, Path: "/"}] = true
	}
	for _, app := range all {
		for _, route := range app.Routes {
			taken[route] = true
		}
	}
	derived := make(map[app.Name][]traefik.Route, len(apps))
	for _, app := range apps {
		if route, ok := r.nameRoute(app.Name); ok && !taken[route] {
			derived[app.Name] = []traefik.Route{route}
		}
	}
	return derived, nil
}

// addDerived gives the live releases of the table what they have by their names.
func (r *Routes) addDerived(table *traefik.Table) {
	if r.base == "" {
		return
	}
	taken := make(map[traefik.Route]bool)
	for _, redirect := range table.Redirects {
		taken[traefik.Route{Host: redirect.From, Path: "/"}] = true
	}
	for _, target := range table.Targets {
		for _, route := range target.Routes {
			taken[route] = taken[route] || !target.Proving
		}
	}
	for i := range table.Targets {
		target := &table.Targets[i]
		former := target.Moved != "" && target.Release == 0
		if route, ok := r.nameRoute(app.Name(target.App)); ok && !taken[route] && !target.Proving && !former {
			target.Routes = append(target.Routes[:len(target.Routes):len(target.Routes)], route)
		}
	}
}

// RefuseForeignName keeps NAME.base for the app of that name, whether there is one
// yet or not, so that who comes first gains nothing.
func (r *Routes) RefuseForeignName(name app.Name, route traefik.Route) error {
	if err := r.foreignWildcard(name, route.Host); err != nil {
		return err
	}
	label, below := strings.CutSuffix(string(route.Host), "."+string(r.base))
	if r.base == "" || !below || !app.NamePattern.MatchString(label) {
		return nil
	}
	if label != string(name) {
		return problem.Conflict(
			fmt.Sprintf("The host %s is kept for the app that is called %s.", route.Host, label),
			fmt.Sprintf("This app has %s.%s by itself; for another host use another domain.", name, r.base),
		).At("route")
	}
	if route.Path == "/" {
		return problem.Conflict(
			fmt.Sprintf("The app has %s by its name already.", route.Host),
			"There is nothing to add.",
		).At("route")
	}
	return nil
}
