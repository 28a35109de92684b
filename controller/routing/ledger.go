package routing

import (
	"context"
	"time"

	"berth/controller/app"
	"berth/traefik"
)

// Ledger is the truth about routes, redirects and hosts. Every method is one
// transaction; a missing row is problem.ErrNotFound.
type Ledger interface {
	ListApps(context.Context) ([]app.App, error) // by name
	FindApp(context.Context, app.Name) (app.App, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	// UpdateRoutes changes the routes of an app and returns the apps that routes were
	// taken from, by name. *app.RouteTakenError where another app has one and it is not to
	// be taken over, *app.LastRouteError where an app would be left without any, app.ErrNoRoute
	// where one to remove is not the app's, app.ErrHostRedirects where a host redirects.
	UpdateRoutes(context.Context, app.Name, app.RouteChange) (from []app.Name, err error)
	// CreateRedirect refuses with *app.RouteTakenError where an app has the host,
	// app.ErrRedirectTaken where it redirects already and app.ErrRedirectLoop.
	CreateRedirect(context.Context, traefik.Redirect) error
	DeleteRedirect(context.Context, traefik.Host) error
	ListRedirects(context.Context) ([]traefik.Redirect, error) // by host
	// UpdateHome chooses where "/" leads that no app has; the zero Route is nowhere.
	UpdateHome(context.Context, traefik.Route) error
	FindHome(context.Context) (traefik.Route, error)
	// SaveHostCheck keeps what a check of the host found, in the place of the last one.
	SaveHostCheck(context.Context, app.HostCheck) error
	ListHostChecks(context.Context) (map[traefik.Host]app.HostCheck, error)
	// NoteCertificateOrder counts a certificate that is asked for, of a registered domain.
	NoteCertificateOrder(ctx context.Context, host traefik.Host, domain string, at time.Time) error
	// CountCertificateOrders counts those since a moment: of the domain and its hosts, and
	// of the host alone.
	CountCertificateOrders(ctx context.Context, host traefik.Host, domain string, since time.Time) (ofDomain, ofHost int, err error)
	// Table returns the route table: the live release of every app that is not
	// wanted deleted, apps without one whose releases ended (both Unavailable where
	// nothing answers), then every release that is starting or verifying or building
	// (Proving) and whose address is known.
	Table(context.Context) (app.Table, error)
}

// Publisher writes the route table to where the proxy reads it.
type Publisher interface {
	Publish(configuration *traefik.Configuration) (changed bool, err error)
}

// Proxy is the running proxy, asked over its own API what it serves.
type Proxy interface {
	// Confirm waits until the proxy serves what is in table, or ctx ends.
	Confirm(ctx context.Context, table traefik.Table) error
	// ConfirmRoutes is Confirm, and waits until the apps in table have no other route.
	ConfirmRoutes(ctx context.Context, table traefik.Table) error
	// ConfirmAll waits until the proxy serves this table and nothing else of ours.
	ConfirmAll(ctx context.Context, table traefik.Table) error
}

// Domains decides how the hosts of a table are served, and which ones are taken.
type Domains interface {
	Secure(context.Context, traefik.Table) (traefik.Table, error)
	Reserves(traefik.Host) bool
	// Issues reports whether an authority can be asked for a certificate of the host.
	Issues(traefik.Host) bool
}
