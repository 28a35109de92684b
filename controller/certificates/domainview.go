package certificates

import (
	"cmp"
	"context"
	"slices"
	"time"

	"berth/controller/app"
	"berth/traefik"
)

// DomainView is a host as pages show it.
type DomainView struct {
	Domain
	Apps       []app.Name // apps that have a route with it, by name
	Dashboard  bool       // the proxy's own pages are there
	From       Source     // the source of its certificate, with defaults applied
	Wildcard   traefik.Host
	Redirected bool // plain requests are redirected now
	Served     bool // an app with it runs, so the proxy has its route
}

// Domains returns every host by name: the hosts of the apps' routes, other served hosts,
// and the host of the proxy's own pages. It reads only the ledger and the state of apps
// in memory, because the dashboard asks at every load.
func (c *Certificates) Domains(ctx context.Context) ([]DomainView, error) {
	rows, err := c.domains(ctx)
	if err != nil {
		return nil, err
	}
	apps, _, err := c.o.Ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	views := make(map[traefik.Host]*DomainView)
	view := func(host traefik.Host) *DomainView {
		if views[host] == nil {
			domain := rows[host]
			domain.Host = host
			views[host] = &DomainView{Domain: domain}
		}
		return views[host]
	}
	for _, app := range apps {
		for _, host := range hostsOfApp(app) {
			view(host).Apps = append(view(host).Apps, app.Name)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for host := range c.hosts { // includes hosts of redirects and hosts by an app's name
		view(host)
	}
	if c.settings.Dashboard == DashboardHost {
		view(c.settings.DashboardHost).Dashboard = true
	}
	now := time.Now()
	list := make([]DomainView, 0, len(views))
	for _, made := range views {
		made.From = c.sourceOf(made.Domain)
		if made.From == SourceDNS {
			made.Wildcard = c.sharedBy(made.Host)
		}
		made.Redirected = c.forcesHTTPS() || made.Redirects(now) || made.Host == c.o.Admin
		made.Served = c.hosts[made.Host]
		list = append(list, *made)
	}
	slices.SortFunc(list, func(a, b DomainView) int { return cmp.Compare(a.Host, b.Host) })
	return list, nil
}

// hostsOfApp returns the hosts of the app's routes, each once, in their order.
func hostsOfApp(app app.App) []traefik.Host {
	var hosts []traefik.Host
	for _, route := range app.Routes {
		if route.Host != "" && !slices.Contains(hosts, route.Host) {
			hosts = append(hosts, route.Host)
		}
	}
	return hosts
}

// Alerts returns the certificates that need a person's attention, the worst first.
func (c *Certificates) Alerts(ctx context.Context) ([]DomainAlert, error) {
	views, err := c.Domains(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var alerts []DomainAlert
	for _, view := range views {
		if alert, found := view.alert(now); found && view.Served && view.From != SourceNone {
			alerts = append(alerts, alert)
		}
	}
	slices.SortStableFunc(alerts, func(a, b DomainAlert) int {
		switch {
		case a.Bad == b.Bad:
			return 0
		case a.Bad:
			return -1
		default:
			return 1
		}
	})
	return alerts, nil
}
