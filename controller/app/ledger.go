package app

import (
	"errors"
	"fmt"

	"berth/traefik"
)

// The errors of a Ledger if a rule of the ledger forbids the change.
var (
	ErrRouteTaken = errors.New("route is taken")
	ErrUnderWay   = errors.New("a release of the app is under way")
	ErrStale      = errors.New("changed by another meanwhile")
	ErrMoves      = errors.New("the app is on its way to another server")
)

// The errors of a Ledger for routes and redirects.
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

// LastRouteError is ErrLastRoute with the app that would lose its last route.
type LastRouteError struct{ App Name }

func (e *LastRouteError) Error() string { return fmt.Sprintf("%s: %v", e.App, ErrLastRoute) }

// Unwrap returns ErrLastRoute.
func (e *LastRouteError) Unwrap() error { return ErrLastRoute }

// RouteChange is a change of the routes of an app.
type RouteChange struct {
	Remove []traefik.Route // of the app; the first of Add takes the place of the first of Remove
	Add    []traefik.Route
	// To is where the routes of Add lead. With nil, a route that the app has already keeps
	// its destination, and a route in the place of another gets the other's.
	To       *Destination
	TakeOver bool // takes routes of Add from other apps that have them
}

// Routing is one line of the whole route table: the app that answers at a route.
type Routing struct {
	App     Name
	Release int64
	Routes  []traefik.Route
	Address string         // host:port of the main instance for the proxy
	Scheme  traefik.Scheme // that the main instance speaks
	// Leads are the addresses of the routes that lead elsewhere; empty where nobody answers.
	Leads   map[traefik.Route]string
	Proving bool // not live: only the controller's own verify route leads there
	Access  traefik.Access
	// Unavailable says that a page answers in place of the app: the app is stopped, or
	// its first release failed. In the second case Release is 0 and Address is empty.
	Unavailable bool
	Site        bool // Berth's own server for static sites answers
	// Moved is the address on another server that the routes of an app that is Unavailable
	// redirect to; empty where they do not. A path alone is one of the same host, for the routes
	// by the former name of an app: then Release is 0.
	Moved string
}

// Table is the whole configuration for the proxy, read in one transaction of the ledger.
type Table struct {
	Routings []Routing // the live ones by app, then the proving ones by app

	Redirects []traefik.Redirect // by host
	Home      traefik.Route      // the chosen route, even if no app has it; the zero Route means none
	Ports     []PublicPort       // by number
}
