package controller

import (
	"context"

	"berth/controller/app"
	"berth/traefik"
)

// Ledger is the truth: what apps and releases there are, and what people want of them.
// The engine and the proxy are projections of it. Every method is one transaction; a
// missing row is problem.ErrNotFound.
type Ledger interface {
	// CreateApp claims the name and the routes, saves the variables and queues the first release.
	// problem.ErrNameTaken or app.ErrRouteTaken where another app has them.
	CreateApp(context.Context, app.App, app.Release) (app.Release, error)
	// CreateRelease queues the next release of an app and gives it its number and
	// the settings, the mounts and the environment that the app has in the same
	// transaction. app.ErrUnderWay where one is queued or running, problem.ErrNotFound where the
	// app is missing or wanted deleted.
	CreateRelease(context.Context, app.Release) (app.Release, error)
	// CreateRerun is CreateRelease for an image that is there already, or for another try
	// of what failed. It makes the settings and mounts of the release those of the app.
	// A rollback, new settings and new mounts have the environment that the release names,
	// which a rollback makes the app's; any other has the app's.
	CreateRerun(context.Context, app.Release) (app.Release, error)

	FindApp(context.Context, app.Name) (app.App, error)
	ListApps(context.Context) ([]app.App, error) // by name
	// ListOverview returns every app by name, and the newest release of each, to be
	// read only.
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	ListReleases(context.Context, app.Name) ([]app.Release, error) // newest first, at most 50

	UpdateWanted(context.Context, app.Name, app.Wanted) error
	// UpdateSettings is for an app with no release under way, else app.ErrUnderWay.
	UpdateSettings(context.Context, app.Name, app.Settings) error
	// FindEnvironment returns what was saved for an app, by name, and the number that
	// tells it from what is saved later.
	FindEnvironment(context.Context, app.Name) (number int64, variables []app.Variable, err error)
	// FindEnvironmentOf returns what a release runs with, by name.
	FindEnvironmentOf(context.Context, app.ReleaseID) ([]app.Variable, error)
	// UpdateEnvironment makes variables the environment of the app; app.ErrStale where the
	// number of the app's is not was any more.
	UpdateEnvironment(ctx context.Context, app app.Name, was int64, variables []app.Variable) error
	// UpdateMounts is as UpdateSettings.
	UpdateMounts(context.Context, app.Name, []app.Mount) error
	// UpdateAccess is for any app that is not wanted deleted; the next Table has it.
	UpdateAccess(context.Context, app.Name, traefik.Access) error
}

// ReconcilerLedger is what the reconciler reads of the ledger, and what it records.
type ReconcilerLedger interface {
	ListUnderWay(context.Context) ([]app.Release, error) // oldest first, all apps
	// ListArchives returns the Archive of what is under way, of what is live, and of what
	// failed or was cancelled and was not followed by a success, of all apps.
	ListArchives(context.Context) ([]string, error)
	// ListRunnable returns the releases of the app whose images are kept: newest first,
	// those under way, the live and superseded ones, but none that failed.
	ListRunnable(context.Context, app.Name) ([]app.Release, error)
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) // as Ledger
	// FindLive returns an app and its live release, if any, to be read only.
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
	UpdateObserved(context.Context, app.Name, app.Observed) error
	// UpdateHalted replaces the services that Berth has stopped. UpdateWanted and Promote
	// leave none.
	UpdateHalted(context.Context, app.Name, []app.HaltedService) error
	// DeleteApp removes an app that is wanted deleted: the row, its routes and releases.
	DeleteApp(context.Context, app.Name) error
}
