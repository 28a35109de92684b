package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// AppView is an app as pages show it: the ledger's row with what the watchers
// filled in. Making one asks neither engine nor proxy.
type AppView struct {
	app.App
	Usage    app.Usage
	HasUsage bool         // false while nothing was measured yet
	Latest   *app.Release // the newest release, nil where there is none
	UnderWay *app.Release // the one on its way, nil where there is none

	Derived   []traefik.Route // what the app has by its name, besides Routes
	Reserved  []traefik.Route // of Routes, on a host that is Berth's own: they do not answer
	Variables int             // of the environment that was saved; App fills both in
	Unapplied int             // how many differ from what runs

	Services []ServiceView // of the live release, where there are several; App fills them in
}

// Apps returns every app, by name.
func (c *Controller) Apps(ctx context.Context) ([]AppView, error) {
	apps, latest, err := c.ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	derived, err := c.routes.Derived(ctx, apps)
	if err != nil {
		return nil, err
	}
	views := make([]AppView, 0, len(apps))
	for _, app := range apps {
		view := c.view(app, latest[app.Name])
		view.Derived = derived[app.Name]
		views = append(views, view)
	}
	return views, nil
}

// Looked notes that somebody looks at the list of apps, so that all are measured often.
func (c *Controller) Looked() { c.usage.LookedAtList() }

// App returns one app; a missing one is a Problem of problem.KindNotFound.
func (c *Controller) App(ctx context.Context, name app.Name) (AppView, error) {
	found, err := c.findApp(ctx, name)
	if err != nil {
		return AppView{}, err
	}
	releases, err := c.ledger.ListReleases(ctx, name)
	if err != nil {
		return AppView{}, err
	}
	var latest *app.Release
	if len(releases) > 0 {
		latest = &releases[0]
	}
	environment, err := c.environment(ctx, found)
	if err != nil {
		return AppView{}, err
	}
	derived, err := c.routes.Derived(ctx, []app.App{found})
	if err != nil {
		return AppView{}, err
	}
	c.usage.LookedAt(name)
	view := c.view(found, latest)
	view.Derived = derived[name]
	view.Variables, view.Unapplied = len(environment.Variables), environment.Unapplied()
	if at := slices.IndexFunc(releases, func(r app.Release) bool { return r.Number == found.Live }); at >= 0 {
		view.Services = c.serviceViews(found, releases[at])
	}
	return view, nil
}

// Releases returns the newest releases of an app, newest first, at most 50.
func (c *Controller) Releases(ctx context.Context, name app.Name) ([]app.Release, error) {
	if _, err := c.findApp(ctx, name); err != nil {
		return nil, err
	}
	releases, err := c.ledger.ListReleases(ctx, name)
	for i := range releases {
		releases[i] = c.confirmed(releases[i])
	}
	return releases, err
}

// Release returns one release; a missing one is a Problem of problem.KindNotFound.
func (c *Controller) Release(ctx context.Context, id app.ReleaseID) (app.Release, error) {
	release, err := c.ledger.FindRelease(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return app.Release{}, problem.NotFound(
			fmt.Sprintf("There is no release r%d of %s.", id.Number, id.App),
			"See the app's page for its releases.",
		).Because(err)
	}
	return c.confirmed(release), err
}

// confirmed shows a release as live only when it answers: one that was promoted
// a moment ago, and that the proxy has not confirmed yet, is still verifying.
func (c *Controller) confirmed(release app.Release) app.Release {
	if release.State == app.ReleaseLive && c.releases.Has(release.ReleaseID) {
		release.State = app.ReleaseVerifying
		release.Steps = release.Steps[:max(0, len(release.Steps)-1)]
		release.FinishedAt = time.Time{}
	}
	return release
}

func (c *Controller) view(found app.App, latest *app.Release) AppView {
	if latest != nil {
		shown := c.confirmed(*latest)
		latest = &shown
	}
	view := AppView{App: found, Latest: latest, Reserved: c.routes.ReservedOf(found.Routes)}
	view.Usage, view.HasUsage = c.usage.Of(found.Name)
	if latest != nil && latest.State.UnderWay() {
		view.UnderWay = latest
	}
	switch {
	case found.Wanted == app.WantedDeleted:
		view.Observed = app.Observed{State: app.Deleting, At: found.Observed.At}
	case found.Live == 0:
		view.Observed = app.Observed{State: app.Waiting, At: found.CreatedAt}
	}
	return view
}

func (c *Controller) findApp(ctx context.Context, name app.Name) (app.App, error) {
	found, err := c.ledger.FindApp(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return app.App{}, app.Missing(name, err)
	}
	return found, err
}
