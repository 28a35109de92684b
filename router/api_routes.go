package router

import (
	"errors"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

// routeJSON is a route of an app as the API shows it.
type routeJSON struct {
	Route   string             `json:"route"`
	Unicode string             `json:"unicode,omitempty"` // the host as people write it, where that differs
	URL     string             `json:"url"`
	State   routing.RouteState `json:"state"`
	Service string             `json:"service,omitempty"` // that it leads to; none is the main one
	Port    uint16             `json:"port,omitempty"`    // of the service; none is its own
	Derived bool               `json:"derived"`           // by the base domain; it cannot be changed
	Check   *hostCheckJSON     `json:"check,omitempty"`
}

type hostCheckJSON struct {
	At       time.Time             `json:"at"`
	Findings []domaincheck.Finding `json:"findings"`
}

// routesJSON is the routes of an app.
type routesJSON struct {
	Routes []routeJSON `json:"routes"`
}

func (a *admin) apiListRoutes(v *visit) error { return a.answerRoutes(v, http.StatusOK) }

func (a *admin) answerRoutes(v *visit, status int) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	views, err := a.routing.List(v.context(), name)
	if err != nil {
		return err
	}
	routes := make([]routeJSON, 0, len(views))
	for _, view := range views {
		made := routeJSON{
			Route: view.Route.String(), State: view.State, Derived: view.Derived, Service: view.To.Service, Port: view.To.Port,
			URL: a.public.links(v.request(), []traefik.Route{view.Route})[0].URL,
		}
		if name := view.Route.Host.Unicode(); name != string(view.Route.Host) {
			made.Unicode = name
		}
		if !view.Check.At.IsZero() {
			made.Check = &hostCheckJSON{At: view.Check.At, Findings: list(view.Check.Findings)}
		}
		routes = append(routes, made)
	}
	return v.json(status, routesJSON{routes})
}

// routeWish is what a request asks for. Without Route it adds, without To it removes.
type routeWish struct {
	Route    string `json:"route"`
	To       string `json:"to"`
	TakeOver bool   `json:"take_over"` // also from the app that has it
	// Service and Port say where the route leads; without both it leads where it led, or to
	// the main service.
	Service *string `json:"service"`
	Port    *uint16 `json:"port"`
}

// form is the wish for a route as a form has it.
func (w routeWish) form(old, route string) routeForm {
	form := routeForm{Old: old, Route: route, TakeOver: w.TakeOver, Keep: w.Service == nil && w.Port == nil}
	if w.Service != nil {
		form.Service = *w.Service
	}
	if w.Port != nil {
		form.Port = typedPort(*w.Port)
	}
	return form
}

// apiCreateRoute answers 201 with the routes. What a check of the host finds does
// not stand in the way: it is in the answer.
func (a *admin) apiCreateRoute(v *visit) error {
	if _, err := v.app(); err != nil {
		return err
	}
	var wish routeWish
	if err := decodeJSON(v.request(), &wish, `{"route": "app.example.com", "service": "api", "port": 8080, "take_over": false}`); err != nil {
		return err
	}
	return a.apiChangeRoutes(v, wish.form("", wish.Route), http.StatusCreated)
}

// apiChangeRoute puts another route in the place of one, or leads it elsewhere.
func (a *admin) apiChangeRoute(v *visit) error {
	if _, err := v.app(); err != nil {
		return err
	}
	var wish routeWish
	if err := decodeJSON(v.request(), &wish, `{"route": "app.example.com", "to": "shop.example.com"}`); err != nil {
		return err
	}
	if wish.Route == "" {
		return malformed("The route to change is missing.", `Send {"route": "app.example.com", "to": "shop.example.com"}.`, errNoOldRoute)
	}
	if wish.To == "" && (wish.Service != nil || wish.Port != nil) {
		wish.To = wish.Route // it leads elsewhere, and stays the same route
	}
	return a.apiChangeRoutes(v, wish.form(wish.Route, wish.To), http.StatusOK)
}

var errNoOldRoute = errors.New("no route to change")

// apiDeleteRoute takes a route away.
func (a *admin) apiDeleteRoute(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish routeWish
	if err := decodeJSON(v.request(), &wish, `{"route": "app.example.com"}`); err != nil {
		return err
	}
	route, err := a.routing.ParseRoute(wish.Route)
	if err != nil {
		return err
	}
	v.done.detail = "removed " + route.String()
	if _, err := a.routing.Update(v.context(), name, app.RouteChange{Remove: []traefik.Route{route}}); err != nil {
		return err
	}
	return a.answerRoutes(v, http.StatusOK)
}

func (a *admin) apiChangeRoutes(v *visit, form routeForm, status int) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	change, done, err := a.routeChange(form)
	if err != nil {
		return err
	}
	v.done.detail = done
	if _, err := a.routing.Update(v.context(), name, change); err != nil {
		return err
	}
	if host := change.Add[0].Host; host != "" && !form.TakeOver {
		if _, err := a.routing.CheckHost(v.context(), host); err != nil {
			a.logger.WarnContext(v.context(), "check host", "request_id", requestID(v.gin), "error", err)
		}
	}
	return a.answerRoutes(v, status)
}

// ownerOf names the app that a route can be taken over from.
func ownerOf(problem *problem.Problem) app.Name {
	if taken, ok := errors.AsType[*app.RouteTakenError](problem); ok {
		return taken.App
	}
	return ""
}
