package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/traefik"
)

// What a Ledger says of a row that is not there, or is there already.
var (
	ErrNotFound  = errors.New("not found")
	ErrNameTaken = errors.New("name is taken")
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
	App   AppName
}

func (e *RouteTakenError) Error() string {
	return fmt.Sprintf("%s belongs to %s: %v", e.Route, e.App, ErrRouteTaken)
}

// Unwrap returns ErrRouteTaken.
func (e *RouteTakenError) Unwrap() error { return ErrRouteTaken }

// LastRouteError is ErrLastRoute with the app that would be left without one.
type LastRouteError struct{ App AppName }

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
	App     AppName
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

// Ledger is the truth: what apps and releases there are. The engine and the
// proxy are projections of it. Every method is one transaction; a missing row
// is ErrNotFound.
type Ledger interface {
	// CreateApp claims the name and the routes, saves the variables and queues the first release.
	// ErrNameTaken or ErrRouteTaken where another app has them.
	CreateApp(context.Context, App, Release) (Release, error)
	// CreateRelease queues the next release of an app and gives it its number and
	// the settings, the mounts and the environment that the app has in the same
	// transaction. ErrUnderWay where one is queued or running, ErrNotFound where the
	// app is missing or wanted deleted.
	CreateRelease(context.Context, Release) (Release, error)
	// CreateRerun is CreateRelease for an image that is there already, or for another try
	// of what failed. It makes the settings and mounts of the release those of the app.
	// One with RollbackOf has the environment that it names, which a rollback makes the
	// app's; any other, and one with NewEnvironment, has the app's.
	CreateRerun(context.Context, Release) (Release, error)

	ListApps(context.Context) ([]App, error) // by name
	FindApp(context.Context, AppName) (App, error)
	UpdateWanted(context.Context, AppName, Wanted) error
	// UpdateSettings is for an app with no release under way, else ErrUnderWay.
	UpdateSettings(context.Context, AppName, Settings) error
	// FindEnvironment returns what was saved for an app, by name, and the number that
	// tells it from what is saved later.
	FindEnvironment(context.Context, AppName) (number int64, variables []Variable, err error)
	// FindEnvironmentOf returns what a release runs with, by name.
	FindEnvironmentOf(context.Context, ReleaseID) ([]Variable, error)
	// UpdateEnvironment makes variables the environment of the app; ErrStale where the
	// number of the app's is not was any more.
	UpdateEnvironment(ctx context.Context, app AppName, was int64, variables []Variable) error
	// UpdateRoutes changes the routes of an app and returns the apps that routes were
	// taken from, by name. *RouteTakenError where another app has one and it is not to
	// be taken over, *LastRouteError where an app would be left without any, ErrNoRoute
	// where one to remove is not the app's, ErrHostRedirects where a host redirects.
	UpdateRoutes(context.Context, AppName, RouteChange) (from []AppName, err error)
	// CreateRedirect refuses with *RouteTakenError where an app has the host,
	// ErrRedirectTaken where it redirects already and ErrRedirectLoop.
	CreateRedirect(context.Context, traefik.Redirect) error
	DeleteRedirect(context.Context, traefik.Host) error
	ListRedirects(context.Context) ([]traefik.Redirect, error) // by host
	// UpdateHome chooses where "/" leads that no app has; the zero Route is nowhere.
	UpdateHome(context.Context, traefik.Route) error
	FindHome(context.Context) (traefik.Route, error)
	// SaveHostCheck keeps what a check of the host found, in the place of the last one.
	SaveHostCheck(context.Context, HostCheck) error
	ListHostChecks(context.Context) (map[traefik.Host]HostCheck, error)
	// NoteCertificateOrder counts a certificate that is asked for, of a registered domain.
	NoteCertificateOrder(ctx context.Context, host traefik.Host, domain string, at time.Time) error
	// CountCertificateOrders counts those since a moment: of the domain and its hosts, and
	// of the host alone.
	CountCertificateOrders(ctx context.Context, host traefik.Host, domain string, since time.Time) (ofDomain, ofHost int, err error)
	// UpdateMounts is as UpdateSettings.
	UpdateMounts(context.Context, AppName, []Mount) error
	// UpdateAccess is for any app that is not wanted deleted; the next Table has it.
	UpdateAccess(context.Context, AppName, traefik.Access) error
	UpdateObserved(context.Context, AppName, Observed) error
	// DeleteApp removes an app that is wanted deleted: the row, its routes and releases.
	DeleteApp(context.Context, AppName) error

	ListReleases(context.Context, AppName) ([]Release, error) // newest first, at most 50
	// ListRunnable returns the releases of the app whose images are kept: newest first,
	// those under way, the live and superseded ones, but none that failed.
	ListRunnable(context.Context, AppName) ([]Release, error)
	// ListOverview returns every app by name, and the newest release of each, to be
	// read only.
	ListOverview(context.Context) ([]App, map[AppName]*Release, error)
	ListUnderWay(context.Context) ([]Release, error) // oldest first, all apps
	FindRelease(context.Context, ReleaseID) (Release, error)
	// Advance enters a state that is under way, and appends the step.
	Advance(context.Context, ReleaseID, ReleaseState) error
	// CountResumption counts that another process goes on with a release, and returns how
	// often that happened.
	CountResumption(context.Context, ReleaseID) (int, error)
	UpdateImage(ctx context.Context, id ReleaseID, image string) error
	// UpdatePulled is UpdateImage for an image that was pulled; digest may be empty.
	UpdatePulled(ctx context.Context, id ReleaseID, image, digest string) error
	UpdateInstances(ctx context.Context, id ReleaseID, instances []string, address string) error
	// UpdateServices records Services, Image, Instances and Address of the release.
	UpdateServices(context.Context, Release) error
	ClearArchive(context.Context, ReleaseID) error
	// ListArchives returns the Archive of what is under way, of what is live, and of what
	// failed or was cancelled and was not followed by a success, of all apps.
	ListArchives(context.Context) ([]string, error)
	// UpdatePort makes port the release's, and the app's where that has none.
	UpdatePort(ctx context.Context, id ReleaseID, port uint16) error
	// UpdateRemedy records what would mend a release that is about to fail.
	UpdateRemedy(context.Context, ReleaseID, Remedy) error
	// Finish enters failed or cancelled with the reason and hint; a no-op when final already.
	Finish(ctx context.Context, id ReleaseID, state ReleaseState, reason, hint string, at time.Time) error
	// Promote is the commit point: id becomes live, the former live release
	// superseded, and the app wanted running, also where it was stopped; it
	// returns the whole route table of the same transaction. ErrNotFound where
	// the app is wanted deleted.
	Promote(ctx context.Context, id ReleaseID, at time.Time) (Table, error)
	// Table returns the route table: the live release of every app that is not
	// wanted deleted, apps without one whose releases ended (both Unavailable where
	// nothing answers), then every release that is starting or verifying or building
	// (Proving) and whose address is known.
	Table(context.Context) (Table, error)
}
