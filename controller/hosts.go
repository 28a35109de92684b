package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// Home is where "/" leads that no app has.
type Home struct {
	Chosen  traefik.Route   // the zero Route is nowhere: the proxy answers 404
	Missing bool            // no app has the route any more
	Choices []traefik.Route // of all apps, but for "/" itself
}

// HostViews returns every host that an app or a redirect has, by host.
func (c *Controller) HostViews(ctx context.Context) ([]HostView, error) {
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return nil, err
	}
	apps = slices.DeleteFunc(apps, func(found app.App) bool { return found.Wanted == app.WantedDeleted })
	derived, err := c.derivedRoutes(ctx, apps)
	if err != nil {
		return nil, err
	}
	redirects, err := c.ledger.ListRedirects(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := c.ledger.ListHostChecks(ctx)
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
func (c *Controller) Hosts(ctx context.Context) ([]traefik.Host, error) {
	domains, err := c.HostViews(ctx)
	hosts := make([]traefik.Host, 0, len(domains))
	for _, domain := range domains {
		hosts = append(hosts, domain.Host)
	}
	return hosts, err
}

// ParseHost returns s as a host that an app or a redirect may have.
func (c *Controller) ParseHost(s string) (traefik.Host, error) {
	host, err := traefik.ParseHost(strings.TrimSpace(s))
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return "", problem.Invalid(invalid.Reason, invalid.Hint).Because(err)
	}
	if err != nil {
		return "", err
	}
	return host, c.refuseReserved(traefik.Route{Host: host, Path: "/"})
}

// CheckHost asks DNS and the rules of the certificate authority about the host and
// keeps what was found. It takes some seconds at most.
func (c *Controller) CheckHost(ctx context.Context, host traefik.Host) (app.HostCheck, error) {
	check := app.HostCheck{Host: host, Findings: c.checker.Check(ctx, host), At: time.Now()}
	return check, c.ledger.SaveHostCheck(ctx, check)
}

// checkLater checks the host of a new app while its release is on its way, so that
// its page can say what is wrong with it.
func (c *Controller) checkLater(host traefik.Host) {
	if host == "" {
		return
	}
	c.checks.Go(func() {
		<-c.started
		if _, err := c.CheckHost(c.running, host); err != nil && c.running.Err() == nil {
			c.logger.Warn("check host", "host", string(host), "error", err)
		}
	})
}

// NoteCertificateOrder counts a certificate that is asked for against the budget
// that the authority gives.
func (c *Controller) NoteCertificateOrder(ctx context.Context, host traefik.Host) error {
	domain, err := domaincheck.RegisteredDomain(host)
	if err != nil {
		domain = string(host)
	}
	return c.ledger.NoteCertificateOrder(ctx, host, domain, time.Now())
}

// Home returns where "/" leads, and where it could.
func (c *Controller) Home(ctx context.Context) (Home, error) {
	chosen, err := c.ledger.FindHome(ctx)
	if err != nil {
		return Home{}, err
	}
	home := Home{Chosen: chosen}
	apps, err := c.ledger.ListApps(ctx)
	for _, found := range apps {
		for _, route := range found.Routes {
			if route != (traefik.Route{Path: "/"}) && found.Wanted != app.WantedDeleted {
				home.Choices = append(home.Choices, route)
			}
		}
	}
	slices.SortFunc(home.Choices, func(a, b traefik.Route) int { return cmp.Compare(a.String(), b.String()) })
	home.Missing = chosen != (traefik.Route{}) && !slices.Contains(home.Choices, chosen)
	return home, err
}

// UpdateHome chooses where "/" leads that no app has; empty is nowhere.
func (c *Controller) UpdateHome(ctx context.Context, text string) error {
	home := traefik.Route{}
	if text != "" {
		var err error
		if home, err = c.ParseRoute(text); err != nil {
			return problem.InField("home", err)
		}
		present, err := c.Home(ctx)
		if err != nil {
			return err
		}
		if !slices.Contains(present.Choices, home) {
			return problem.Conflict(fmt.Sprintf("No app answers at %s.", home), "Choose a route that an app has.").At("home")
		}
	}
	if err := c.ledger.UpdateHome(ctx, home); err != nil {
		return err
	}
	return c.publishAll(ctx)
}

// CreateRedirect sends all of one host to another.
func (c *Controller) CreateRedirect(ctx context.Context, redirect traefik.Redirect) error {
	if redirect.From == redirect.To {
		return redirectProblem(app.ErrRedirectLoop, redirect)
	}
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	for _, found := range apps {
		if route, ok := c.nameRoute(found.Name); ok && route.Host == redirect.From {
			return redirectProblem(&app.RouteTakenError{Route: route, App: found.Name}, redirect)
		}
	}
	if err := c.ledger.CreateRedirect(ctx, redirect); err != nil {
		return redirectProblem(err, redirect)
	}
	return c.publishAll(ctx)
}

// DeleteRedirect frees the host again.
func (c *Controller) DeleteRedirect(ctx context.Context, host traefik.Host) error {
	err := c.ledger.DeleteRedirect(ctx, host)
	if errors.Is(err, problem.ErrNotFound) {
		return problem.NotFound(
			fmt.Sprintf("%.253s does not redirect.", host),
			"See the page of the domains for the hosts that do.",
		).Because(err)
	}
	if err != nil {
		return err
	}
	return c.publishAll(ctx)
}

// publishAll publishes the table and waits until the proxy shows all of it. What
// others publish meanwhile is waited for too.
func (c *Controller) publishAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), confirmTimeout, errProxySilent)
	defer cancel()
	for {
		table, err := c.publishNow(ctx)
		if err != nil {
			c.requestReconcile()
			return err
		}
		attempt, stop := context.WithTimeout(ctx, confirmAttempt)
		err = c.proxy.ConfirmAll(attempt, table)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			c.requestReconcile()
			return problem.Unavailable(
				"It is saved, and the proxy has not confirmed it yet.",
				"Berth keeps trying; see on the dashboard whether the proxy runs.",
			).Because(err)
		}
	}
}

// confirmAttempt is how long a table is waited for before it is read anew.
const confirmAttempt = 3 * time.Second

func redirectProblem(err error, redirect traefik.Redirect) error {
	problem := &problem.Problem{Kind: problem.KindConflict, Field: "from", Err: err}
	if taken, ok := errors.AsType[*app.RouteTakenError](err); ok {
		problem.Message = fmt.Sprintf("The app %s answers at %s.", taken.App, taken.Route)
		problem.Hint = "Take the routes on this host from the apps that have them first."
		return problem
	}
	switch {
	case errors.Is(err, app.ErrRedirectTaken):
		problem.Message = fmt.Sprintf("%s redirects already.", redirect.From)
		problem.Hint = "Remove that redirect first."
	case errors.Is(err, app.ErrRedirectLoop):
		problem.Field = "to"
		problem.Message = fmt.Sprintf("A redirect from %s to %s would lead back to where it began.", redirect.From, redirect.To)
		problem.Hint = "Choose a host that does not redirect to it."
	default:
		return err
	}
	return problem
}
