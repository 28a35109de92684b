package controller

import (
	"context"
	"errors"
	"time"

	"berth/traefik"
)

// What a Ledger says when a rule of the ledger stands in the way.
var (
	ErrNotFound   = errors.New("not found")
	ErrNameTaken  = errors.New("name is taken")
	ErrRouteTaken = errors.New("route is taken")
	ErrUnderWay   = errors.New("a release of the app is under way")
	ErrStale      = errors.New("changed by another meanwhile")
)

// Routing is one line of the whole route table: who answers at a route.
type Routing struct {
	App     AppName
	Release int64
	Routes  []traefik.Route
	Address string // host:port of the main instance as the proxy reaches it
	Proving bool   // not live: only the controller's own verify route leads there
	Access  traefik.Access
}

// Table is what the proxy is to be told, as one transaction of the ledger read it.
type Table struct {
	Routings []Routing // the live ones by app, then the proving ones by app
}

// Ledger is the truth: what apps and releases there are. The engine and the
// proxy are projections of it. Every method is one transaction; a missing row
// is ErrNotFound.
type Ledger interface {
	// CreateApp claims the name and the routes and queues the first release.
	// ErrNameTaken or ErrRouteTaken where another app has them.
	CreateApp(context.Context, App, Release) (Release, error)
	// CreateRelease queues the next release of an app and gives it its number and
	// the settings, the mounts and the environment that the app has in the same
	// transaction. ErrUnderWay where one is queued or running, ErrNotFound where the
	// app is missing or wanted deleted.
	CreateRelease(context.Context, Release) (Release, error)
	// CreateRerun is CreateRelease for an image that is there already. It makes the
	// settings and mounts of the release those of the app. The release has the
	// environment that it names, which a rollback makes the app's; with NewEnvironment
	// it has the app's.
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
	// UpdateMounts is as UpdateSettings.
	UpdateMounts(context.Context, AppName, []Mount) error
	// UpdateAccess is for any app that is not wanted deleted; the next Table has it.
	UpdateAccess(context.Context, AppName, traefik.Access) error
	UpdateObserved(context.Context, AppName, Observed) error
	DeleteApp(context.Context, AppName) error // the row, its routes and releases

	ListReleases(context.Context, AppName) ([]Release, error) // newest first, at most 50
	// ListOverview returns every app by name, and the newest release of each, to be
	// read only.
	ListOverview(context.Context) ([]App, map[AppName]*Release, error)
	ListUnderWay(context.Context) ([]Release, error) // oldest first, all apps
	FindRelease(context.Context, ReleaseID) (Release, error)
	// Advance enters a state that is under way, and appends the step.
	Advance(context.Context, ReleaseID, ReleaseState) error
	UpdateImage(ctx context.Context, id ReleaseID, image string) error
	UpdateInstances(ctx context.Context, id ReleaseID, instances []string, address string) error
	ClearArchive(context.Context, ReleaseID) error
	// Finish enters failed or cancelled with the reason and hint; a no-op when final already.
	Finish(ctx context.Context, id ReleaseID, state ReleaseState, reason, hint string, at time.Time) error
	// Promote is the commit point: id becomes live, the former live release
	// superseded, and the app wanted running, also where it was stopped; it
	// returns the whole route table of the same transaction. ErrNotFound where
	// the app is wanted deleted.
	Promote(ctx context.Context, id ReleaseID, at time.Time) (Table, error)
	// Table returns the route table: the live release of every app that is not
	// wanted deleted, nor stopped unless it is in maintenance, then every release that is starting or verifying
	// or building (Proving) and whose address is known.
	Table(context.Context) (Table, error)
}
