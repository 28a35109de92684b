package routing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/traefik"
)

// HostView is a host with all that is on it.
type HostView struct {
	Host     traefik.Host
	Routes   []HostRoute
	Redirect *traefik.Redirect // nil where the host does not redirect
	Check    app.HostCheck
}

// HostRoute is a route on a host with the app that has it.
type HostRoute struct {
	App     app.Name
	Route   traefik.Route
	Derived bool
}

// HostViews returns every host that an app or a redirect has, by host.
func (r *Routes) HostViews(ctx context.Context) ([]HostView, error) {
	apps, err := r.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	apps = slices.DeleteFunc(apps, func(found app.App) bool { return found.Wanted == app.WantedDeleted })
	derived, err := r.Derived(ctx, apps)
	if err != nil {
		return nil, err
	}
	redirects, err := r.ledger.ListRedirects(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := r.ledger.ListHostChecks(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[traefik.Host]*HostView)
	at := func(host traefik.Host) *HostView {
		if found[host] == nil {
			found[host] = &HostView{Host: host, Check: checks[host]}
		}
		return found[host]
	}
	for _, app := range apps {
		for i, route := range slices.Concat(app.Routes, derived[app.Name]) {
			if route.Host != "" {
				domain := at(route.Host)
				domain.Routes = append(domain.Routes, HostRoute{App: app.Name, Route: route, Derived: i >= len(app.Routes)})
			}
		}
	}
	for _, redirect := range redirects {
		at(redirect.From).Redirect = &redirect
	}
	domains := make([]HostView, 0, len(found))
	for _, domain := range found {
		domains = append(domains, *domain)
	}
	slices.SortFunc(domains, func(a, b HostView) int { return cmp.Compare(a.Host, b.Host) })
	return domains, nil
}

// Hosts returns every host that the proxy answers for: those of routes, those that
// apps have by their names, and those that redirect. By name, each once.
func (r *Routes) Hosts(ctx context.Context) ([]traefik.Host, error) {
	domains, err := r.HostViews(ctx)
	hosts := make([]traefik.Host, 0, len(domains))
	for _, domain := range domains {
		hosts = append(hosts, domain.Host)
	}
	return hosts, err
}

// ParseHost returns s as a host that an app or a redirect may have.
func (r *Routes) ParseHost(s string) (traefik.Host, error) {
	host, err := traefik.ParseHost(strings.TrimSpace(s))
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return "", problem.Invalid(invalid.Reason, invalid.Hint).Because(err)
	}
	if err != nil {
		return "", err
	}
	return host, r.refuseReserved(traefik.Route{Host: host, Path: "/"})
}

// NoteCertificateOrder counts a certificate that is asked for against the budget
// that the authority gives.
func (r *Routes) NoteCertificateOrder(ctx context.Context, host traefik.Host) error {
	domain, err := domaincheck.RegisteredDomain(host)
	if err != nil {
		domain = string(host)
	}
	return r.ledger.NoteCertificateOrder(ctx, host, domain, time.Now())
}
