package app

import (
	"errors"
	"fmt"

	"berth/traefik"
)

// What a Ledger says when a rule of the ledger stands in the way.
var (
	ErrRouteTaken = errors.New("route is taken")
	ErrUnderWay   = errors.New("a release of the app is under way")
	ErrStale      = errors.New("changed by another meanwhile")
)

// What a Ledger says of routes and redirects.
var (
	ErrLastRoute     = errors.New("an app has at least one route")
	ErrNoRoute       = errors.New("the app has no such route")
	ErrHostRedirects = errors.New("the host redirects to another")
	ErrRedirectTaken = errors.New("the host redirects already")
	ErrRedirectLoop  = errors.New("the redirect leads back to its host")
)

// RouteTakenError is ErrRouteTaken with the app that has the route.
type RouteTakenError struct {
	Route traefik.Route
	App   Name
}

func (e *RouteTakenError) Error() string {
	return fmt.Sprintf("%s belongs to %s: %v", e.Route, e.App, ErrRouteTaken)
}

// Unwrap returns ErrRouteTaken.
func (e *RouteTakenError) Unwrap() error { return ErrRouteTaken }

// LastRouteError is ErrLastRoute with the app that would be left without one.
type LastRouteError struct{ App Name }

func (e *LastRouteError) Error() string { return fmt.Sprintf("%s: %v", e.App, ErrLastRoute) }

// Unwrap returns ErrLastRoute.
func (e *LastRouteError) Unwrap() error { return ErrLastRoute }

// RouteChange says how the routes of an app are to differ from what they are.
type RouteChange struct {
	Remove   []traefik.Route // of the app; the first of Add comes into the place of the first
	Add      []traefik.Route
	TakeOver bool // what another app has of Add is taken from it
}

// Routing is one line of the whole route table: who answers at a route.
type Routing struct {
	App     Name
	Release int64
	Routes  []traefik.Route
	Address string // host:port of the main instance as the proxy reaches it
	Proving bool   // not live: only the controller's own verify route leads there
	Access  traefik.Access
	// Unavailable says that a page stands in place of the app: it is stopped, or its
	// first release failed; then Release is 0 and Address empty.
	Unavailable bool
}

// Table is what the proxy is to be told, as one transaction of the ledger read it.
type Table struct {
	Routings []Routing // the live ones by app, then the proving ones by app

	Redirects []traefik.Redirect // by host
	Home      traefik.Route      // as it was chosen, whether there is an app or not; the zero Route is none
}
