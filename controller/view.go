package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/docker"
	"berth/traefik"
)

// AppView is an app as pages show it: the ledger's row with what the watchers
// filled in. Making one asks neither engine nor proxy.
type AppView struct {
	App
	Usage    Usage
	HasUsage bool     // false while nothing was measured yet
	Latest   *Release // the newest release, nil where there is none
	UnderWay *Release // the one on its way, nil where there is none

	Derived []traefik.Route // what the app has by its name, besides Routes

	Reserved []traefik.Route // of Routes, on a host that is Berth's own: they do not answer

	Variables int // of the environment that was saved; App fills both in
	Unapplied int // how many differ from what runs

	Services []ServiceView // of the live release, where there are several; App fills them in
}

// Apps returns every app, by name.
func (c *Controller) Apps(ctx context.Context) ([]AppView, error) {
	apps, latest, err := c.ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	derived, err := c.derivedRoutes(ctx, apps)
	if err != nil {
		return nil, err
	}
	views := make([]AppView, 0, len(apps))
	for _, app := range apps {
		view := c.view(app, latest[app.Name])
		view.Derived = derived[app.Name]
		views = append(views, view)
	}
	c.usage.looked()
	return views, nil
}

// App returns one app; a missing one is a Problem of KindNotFound.
func (c *Controller) App(ctx context.Context, name AppName) (AppView, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return AppView{}, err
	}
	releases, err := c.ledger.ListReleases(ctx, name)
	if err != nil {
		return AppView{}, err
	}
	var latest *Release
	if len(releases) > 0 {
		latest = &releases[0]
	}
	environment, err := c.environment(ctx, app)
	if err != nil {
		return AppView{}, err
	}
	derived, err := c.derivedRoutes(ctx, []App{app})
	if err != nil {
		return AppView{}, err
	}
	c.usage.looked()
	view := c.view(app, latest)
	view.Derived = derived[name]
	view.Variables, view.Unapplied = len(environment.Variables), environment.Unapplied()
	if at := slices.IndexFunc(releases, func(r Release) bool { return r.Number == app.Live }); at >= 0 {
		view.Services = c.serviceViews(app, releases[at])
	}
	return view, nil
}

// Releases returns the newest releases of an app, newest first, at most 50.
func (c *Controller) Releases(ctx context.Context, name AppName) ([]Release, error) {
	if _, err := c.findApp(ctx, name); err != nil {
		return nil, err
	}
	releases, err := c.ledger.ListReleases(ctx, name)
	for i := range releases {
		releases[i] = c.confirmed(releases[i])
	}
	return releases, err
}

// Release returns one release; a missing one is a Problem of KindNotFound.
func (c *Controller) Release(ctx context.Context, id ReleaseID) (Release, error) {
	release, err := c.ledger.FindRelease(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Release{}, &Problem{
			Kind: KindNotFound, Err: err,
			Message: fmt.Sprintf("There is no release r%d of %s.", id.Number, id.App),
			Hint:    "See the app's page for its releases.",
		}
	}
	return c.confirmed(release), err
}

// confirmed shows a release as live only when it answers: one that was promoted
// a moment ago, and that the proxy has not confirmed yet, is still verifying.
func (c *Controller) confirmed(release Release) Release {
	if release.State == ReleaseLive && c.shipping.has(release.ReleaseID) {
		release.State = ReleaseVerifying
		release.Steps = release.Steps[:max(0, len(release.Steps)-1)]
		release.FinishedAt = time.Time{}
	}
	return release
}

// Output passes on what an app's live instances print: the last lines, and the
// new ones as they come where follow is set, until each returns an error or ctx ends.
// The secrets of the release are masked.
func (c *Controller) Output(ctx context.Context, name AppName, lines int, follow bool, each func(docker.Line) error) error {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return err
	}
	if app.Live == 0 {
		return nil
	}
	live, err := c.Release(ctx, ReleaseID{App: name, Number: app.Live})
	if err != nil {
		return err
	}
	environment, err := c.openEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return err
	}
	masked, err := c.maskOf(live, environment)
	if err != nil {
		return err
	}
	options := docker.TailOptions{Lines: lines, Follow: follow}
	if len(live.Instances) == 1 {
		return gone(c.engine.Tail(ctx, live.Instances[0], options, masked.lines(each)))
	}
	return c.tailAll(ctx, live, options, masked, each)
}

func (c *Controller) view(app App, latest *Release) AppView {
	if latest != nil {
		shown := c.confirmed(*latest)
		latest = &shown
	}
	view := AppView{App: app, Latest: latest, Reserved: c.reservedOf(app.Routes)}
	view.Usage, view.HasUsage = c.usage.of(app.Name)
	if latest != nil && latest.State.UnderWay() {
		view.UnderWay = latest
	}
	switch {
	case app.Wanted == WantedDeleted:
		view.Observed = Observed{State: AppDeleting, At: app.Observed.At}
	case app.Live == 0:
		view.Observed = Observed{State: AppWaiting, At: app.CreatedAt}
	}
	return view
}

func (c *Controller) findApp(ctx context.Context, name AppName) (App, error) {
	app, err := c.ledger.FindApp(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return App{}, noSuchApp(name, err)
	}
	return app, err
}
