package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

// Routing is what the admin app asks about routes and hosts.
type Routing interface {
	ParseRoute(string) (traefik.Route, error)
	ParseHost(string) (traefik.Host, error)
	List(context.Context, app.Name) ([]routing.RouteView, error)
	Services(context.Context, app.Name) ([]string, error)
	ParseDestination(service, port string) (app.Destination, error)
	Update(ctx context.Context, app app.Name, change app.RouteChange) (live bool, err error)
	CheckHost(context.Context, traefik.Host) (app.HostCheck, error)
	HostViews(context.Context) ([]routing.HostView, error)
	Home(context.Context) (routing.Home, error)
	UpdateHome(ctx context.Context, route string) error
	CreateRedirect(context.Context, traefik.Redirect) error
	DeleteRedirect(context.Context, traefik.Host) error
}

// The fields of the forms of routes.
const (
	fieldOldRoute = "old"
	fieldAnyway   = "anyway"
	fieldTakeOver = "take_over"
	fieldService  = "service"
)

type routesPage struct {
	frame
	App    app.Name
	State  badge
	Routes []routeRow
	// Services are those that routes can lead to beside the main one.
	Services []string
	Form     routeForm
	Ports    portsSection
	Domains  []domainRow // of its routes, with their certificates
}

// Path is the address of the page.
func (p routesPage) Path() string { return routesPath(p.App) }

// Only reports whether the app has one route of its own, which it keeps.
func (p routesPage) Only() bool {
	own := 0
	for _, row := range p.Routes {
		if !row.Derived {
			own++
		}
	}
	return own < 2
}

// routeRow is a route as the page shows it.
type routeRow struct {
	Route   string
	Host    traefik.Host
	Link    link
	State   badge
	To      string // where it leads; empty for the main service
	Derived bool
	Check   checkView
}

// routeForm is the form for a route as it was typed.
type routeForm struct {
	Old, Route string // Old is the one that it is to replace; empty adds one
	Service    string // that it leads to; empty is the main one
	Port       string // of the service; empty is its own
	Keep       bool   // the route keeps leading where it leads; Service and Port do not count
	Problem    *problem.Problem
	Warnings   []domaincheck.Finding
	Owner      app.Name // of the route, where it can be taken over from it
	Anyway     bool
	TakeOver   bool
}

// checkView is what a check of a host found.
type checkView struct {
	app.HostCheck
	State badge // empty where the route has no host
}

func checkViewOf(host traefik.Host, check app.HostCheck) checkView {
	view := checkView{HostCheck: check}
	switch {
	case host == "":
	case check.At.IsZero():
		view.State = badge{"not checked yet", toneIdle}
	case len(check.Warnings()) > 0:
		view.State = badge{"needs attention", toneWarn}
	case check.Good():
		view.State = badge{"good", toneGood}
	default:
		view.State = badge{"could not tell", toneIdle}
	}
	return view
}

// showRoutes is the routes of an app; with ?old= the form holds that one.
func (a *admin) showRoutes(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := a.routesPage(v, name)
	if err != nil {
		return err
	}
	views, err := a.routing.List(v.context(), name)
	if err != nil {
		return err
	}
	for _, view := range views {
		if old := view.Route.String(); old == v.gin.Query(fieldOldRoute) && !view.Derived {
			page.Form = routeForm{Old: old, Route: old, Service: view.To.Service, Port: typedPort(view.To.Port)}
		}
	}
	return v.page(http.StatusOK, "routes", page)
}

// createRoute gives the app one more route, or another in the place of one: 303 back.
func (a *admin) createRoute(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	form := typedRoute(v.request().PostForm)
	change, done, err := a.routeChange(form)
	if err == nil {
		form.Warnings = a.warningsOf(v, name, change.Add, form)
		if len(form.Warnings) > 0 && !form.Anyway {
			err = problem.Conflict(
				"The host is not ready yet, so it has no certificate yet.",
				"Fix the following, or tick the box to add it anyway.",
			).At(fieldRoute)
		}
	}
	if err == nil {
		v.done.detail = done
		return a.changeRoutes(v, name, change, form, done)
	}
	return a.refuseOnRoutes(v, name, form, err)
}

// deleteRoute takes a route away: 303 back.
func (a *admin) deleteRoute(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	form := routeForm{Old: v.request().PostForm.Get(fieldOldRoute)}
	route, err := traefik.ParseRoute(form.Old)
	if err != nil {
		return a.refuseOnRoutes(v, name, form, malformed("That is not a route.", "Open the page again.", err))
	}
	v.done.detail = "removed " + route.String()
	return a.changeRoutes(v, name, app.RouteChange{Remove: []traefik.Route{route}}, form, route.String()+" is removed.")
}

// checkRoute asks about the host of a route again: 303 back.
func (a *admin) checkRoute(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	if err := a.checkAgain(v, v.request().PostForm.Get(fieldHost)); err != nil {
		return err
	}
	return v.seeOther(routesPath(name))
}

// checkAgain checks a host that somebody has; of others nobody is asked.
func (a *admin) checkAgain(v *visit, text string) error {
	host, check, err := a.checkKnownHost(v, text)
	if err != nil {
		return err
	}
	return v.notify(fmt.Sprintf("%s was checked: %s.", host.Both(), checkViewOf(host, check).State.Word))
}

// checkKnownHost checks a host that an app or a redirect has.
func (a *admin) checkKnownHost(v *visit, text string) (traefik.Host, app.HostCheck, error) {
	route, err := a.routing.ParseRoute(text)
	if err != nil {
		return "", app.HostCheck{}, err
	}
	host := route.Host
	domains, err := a.routing.HostViews(v.context())
	if err != nil {
		return "", app.HostCheck{}, err
	}
	if !slices.ContainsFunc(domains, func(d routing.HostView) bool { return d.Host == host }) {
		return "", app.HostCheck{}, problem.NotFound("No app and no redirect has this host.", "Add it to an app first.")
	}
	v.done.detail = string(host)
	check, err := a.routing.CheckHost(v.context(), host)
	return host, check, err
}

// routeChange parses what was typed.
func (a *admin) routeChange(form routeForm) (change app.RouteChange, done string, err error) {
	route, err := a.routing.ParseRoute(form.Route)
	if err != nil {
		return change, "", err
	}
	change = app.RouteChange{Add: []traefik.Route{route}, TakeOver: form.TakeOver}
	done = route.String() + " is added"
	if !form.Keep {
		to, err := a.routing.ParseDestination(form.Service, form.Port)
		if err != nil {
			return change, "", err
		}
		change.To = &to
		if to != (app.Destination{}) {
			done = fmt.Sprintf("%s leads to %s", route, to)
		}
	}
	if form.Old != "" {
		old, err := traefik.ParseRoute(form.Old)
		if err != nil {
			return change, "", malformed("That is not a route.", "Open the page again.", err)
		}
		change.Remove = []traefik.Route{old}
		if old != route {
			done = fmt.Sprintf("%s is %s now", old, route)
		} else if change.To != nil {
			done = fmt.Sprintf("%s leads to %s", route, *change.To)
		}
	}
	return change, done, nil
}

// warningsOf checks the hosts that are new to the app. What cannot be checked does
// not stand in the way.
func (a *admin) warningsOf(v *visit, name app.Name, routes []traefik.Route, form routeForm) []domaincheck.Finding {
	present, err := a.routing.List(v.context(), name)
	if err != nil || a.isTaken(v, name, routes) {
		return nil // which is said first
	}
	var warnings []domaincheck.Finding
	for _, route := range routes {
		has := slices.ContainsFunc(present, func(r routing.RouteView) bool { return r.Route.Host == route.Host })
		if route.Host == "" || has || form.TakeOver {
			continue
		}
		check, err := a.routing.CheckHost(v.context(), route.Host)
		if err != nil {
			a.logger.WarnContext(v.context(), "check host", "request_id", requestID(v.gin), "error", err)
			continue
		}
		warnings = append(warnings, check.Warnings()...)
	}
	return warnings
}

// isTaken reports whether another app has one of the routes.
func (a *admin) isTaken(v *visit, name app.Name, routes []traefik.Route) bool {
	domains, err := a.routing.HostViews(v.context())
	return err == nil && slices.ContainsFunc(domains, func(d routing.HostView) bool {
		return slices.ContainsFunc(d.Routes, func(r routing.HostRoute) bool { return r.App != name && slices.Contains(routes, r.Route) })
	})
}

func (a *admin) changeRoutes(v *visit, name app.Name, change app.RouteChange, form routeForm, done string) error {
	live, err := a.routing.Update(v.context(), name, change)
	if err != nil {
		return a.refuseOnRoutes(v, name, form, err)
	}
	switch {
	case len(change.Add) == 0:
	case live:
		done += " and live."
	default:
		done += ". It is not live yet: see its state below."
	}
	if err := v.notify(done); err != nil {
		return err
	}
	return v.seeOther(routesPath(name))
}

// refuseOnRoutes shows the page with the reason and what was typed.
func (a *admin) refuseOnRoutes(v *visit, name app.Name, form routeForm, err error) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	form.Problem = problems.first()
	a.logProblem(v, form.Problem)
	form.Owner = ownerOf(form.Problem)
	page, err := a.routesPage(v, name)
	if err != nil {
		return err
	}
	page.Form = form
	return v.page(problems.status(), "routes", page)
}

func (a *admin) routesPage(v *visit, name app.Name) (routesPage, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return routesPage{}, err
	}
	routes, err := a.routing.List(v.context(), name)
	if err != nil {
		return routesPage{}, err
	}
	page := routesPage{frame: v.frame("Domains of "+string(name)).on(name, tabDomains), App: name, State: appBadge(view.Observed.State)}
	if page.Domains, err = a.domainsOf(v, name); err != nil {
		return routesPage{}, err
	}
	if page.Services, err = a.routing.Services(v.context(), name); err != nil {
		return routesPage{}, err
	}
	if page.Ports, err = a.portsSection(v, view.App); err != nil {
		return routesPage{}, err
	}
	for _, route := range routes {
		page.Routes = append(page.Routes, routeRow{
			Route: route.Route.String(), Host: route.Route.Host, Derived: route.Derived, State: routeBadge(route.State),
			Link: a.public.links(v.request(), []traefik.Route{route.Route})[0], Check: checkViewOf(route.Route.Host, route.Check),
			To: destinationText(route.To),
		})
	}
	return page, nil
}

func routeBadge(state routing.RouteState) badge {
	switch state {
	case routing.RouteLive:
		return badge{"live", toneGood}
	case routing.RouteWaiting:
		return badge{"waits for the proxy", toneBusy}
	case routing.RouteReserved:
		return badge{"the admin app's host", toneBad}
	default:
		return badge{"app does not run", toneIdle}
	}
}

func typedRoute(form url.Values) routeForm {
	return routeForm{
		Old: form.Get(fieldOldRoute), Route: strings.TrimSpace(form.Get(fieldRoute)),
		Service: form.Get(fieldService), Port: strings.TrimSpace(form.Get(fieldPort)), Keep: !form.Has(fieldService) && !form.Has(fieldPort),
		Anyway: form.Get(fieldAnyway) != "", TakeOver: form.Get(fieldTakeOver) != "",
	}
}

// destinationText says where a route leads, unless that is the main service.
func destinationText(to app.Destination) string {
	if to == (app.Destination{}) {
		return ""
	}
	return to.String()
}

// typedPort is a port as a form has it; empty for none.
func typedPort(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}

func routesPath(name app.Name) string { return appPath(name) + "/routes" }
