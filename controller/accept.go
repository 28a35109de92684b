package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/traefik"
)

// Accept looks into the archive, claims name and route, and queues the first
// release, all or nothing. It takes the archive over where it succeeds; after a
// refusal the caller discards it. An image in its place is pulled by the release.
func (c *Controller) Accept(ctx context.Context, u Upload) (Release, error) {
	app, environment, err := c.newApp(u)
	if err != nil {
		return Release{}, err
	}
	if err := c.checkWaivers(app.Settings); err != nil {
		return Release{}, err
	}
	if _, err := c.examineUpload(ctx, u, app, environment); err != nil {
		return Release{}, err
	}
	if err := CheckMounts(app.Mounts); err != nil {
		return Release{}, err
	}
	if err := c.refuseForeignName(app.Name, u.Route); err != nil {
		return Release{}, err
	}
	if err := u.Archive.sync(); err != nil {
		return Release{}, err
	}
	var release Release
	err = c.holdingVolumes(ctx, app.Mounts, func() (err error) {
		release, err = c.ledger.CreateApp(ctx, app, u.release())
		return err
	})
	if err != nil {
		return Release{}, claimProblem(err, app)
	}
	if u.Archive != nil {
		u.Archive.file = "" // it belongs to the release now
	}
	c.recordWaivers(ctx, App{Name: app.Name}, app.Settings, u.By)
	c.dispatch(release)
	c.checkLater(u.Route.Host)
	c.notices.notify(app.Name)
	return release, nil
}

// AcceptUpdate looks into the archive and queues the next release of an app.
func (c *Controller) AcceptUpdate(ctx context.Context, name AppName, received *Archive, by string) (Release, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return Release{}, err
	}
	if err := c.checkWaivers(app.Settings); err != nil {
		return Release{}, err
	}
	environment, err := c.openSavedEnvironment(ctx, name)
	if err != nil {
		return Release{}, err
	}
	if _, err := c.examine(ctx, received, app, environment.options(app.Settings)); err != nil {
		return Release{}, err
	}
	if err := received.sync(); err != nil {
		return Release{}, err
	}
	release, err := c.ledger.CreateRelease(ctx, newRelease(name, received, by))
	if err != nil {
		return Release{}, claimProblem(err, app)
	}
	received.file = ""
	c.dispatch(release)
	c.notices.notify(name)
	return release, nil
}

// Rollback queues a release that runs the image of an earlier one again with its
// settings and its environment, without a build. The image of number must still be kept.
func (c *Controller) Rollback(ctx context.Context, name AppName, number int64, by string) (Release, error) {
	app, _, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return Release{}, err
	}
	defer unlock() // until then no image is removed for its age
	old, err := c.Release(ctx, ReleaseID{App: name, Number: number})
	if err != nil {
		return Release{}, err
	}
	if old.State != ReleaseSuperseded || old.Image == "" {
		return Release{}, &Problem{
			Kind: KindConflict, Field: "release",
			Message: fmt.Sprintf("Release r%d cannot be run again: it is %s.", number, old.State),
			Hint:    "Choose a superseded release whose image is still kept.",
		}
	}
	return c.queueRerun(ctx, app, rerunOf(old, by))
}

// lockLive takes the app's lock and returns the app with its live release, the zero
// Release where it has none. Under the lock nothing is promoted: the image of the
// live release is not an old one by the time that a rerun of it is queued.
func (c *Controller) lockLive(ctx context.Context, name AppName) (app App, live Release, unlock func(), err error) {
	if unlock, err = c.apps.lock(ctx, name); err != nil {
		return App{}, Release{}, nil, err
	}
	if app, err = c.findApp(ctx, name); err == nil && app.Live != 0 {
		live, err = c.Release(ctx, ReleaseID{App: name, Number: app.Live})
	}
	if err != nil {
		unlock()
		return App{}, Release{}, nil, err
	}
	return app, live, unlock, nil
}

// rerunOf returns the wish to run the image of an earlier release again, as it was.
func rerunOf(old Release, by string) Release {
	wish := newRelease(old.App, &Archive{Name: old.ArchiveName, Bytes: old.ArchiveBytes, SHA256: old.ArchiveSHA256}, by)
	wish.RollbackOf, wish.Image, wish.Settings, wish.Mounts, wish.Environment = old.Number, old.Image, old.Settings, old.Mounts, old.Environment
	wish.Services = old.again(old.Settings)
	wish.Reference, wish.Digest = old.Reference, old.Digest
	return wish
}

func (c *Controller) queueRerun(ctx context.Context, app App, wish Release) (Release, error) {
	if err := c.checkWaivers(wish.Settings); err != nil {
		return Release{}, err
	}
	for _, image := range wish.images() {
		// One that was pulled can be had again by its digest.
		if _, err := c.engine.FindImage(ctx, image); err != nil && wish.Digest == "" {
			return Release{}, &Problem{
				Kind: KindConflict, Field: "release",
				Message: fmt.Sprintf("The image of release r%d is not kept any more.", wish.RollbackOf),
				Hint:    "Upload its archive again as an update, or deploy its image again.", Err: err,
			}
		}
	}
	var release Release
	err := c.holdingVolumes(ctx, wish.Mounts, func() (err error) {
		release, err = c.ledger.CreateRerun(ctx, wish)
		return err
	})
	if err != nil {
		return Release{}, claimProblem(err, app)
	}
	c.recordWaivers(ctx, app, release.Settings, release.CreatedBy)
	c.dispatch(release)
	c.notices.notify(app.Name)
	return release, nil
}

// examine opens the archive and plans it, so that what is wrong with it is said
// on the form; the release does both again, from the same file.
func (c *Controller) examine(ctx context.Context, received *Archive, app App, options plan.Options) (plan.Plan, error) {
	tree, err := c.uploads.open(received.file, c.limits)
	if err != nil {
		return plan.Plan{}, archiveProblem(err)
	}
	defer tree.Close()
	made, err := planFor(ctx, tree, app.Name, c.permitted(options))
	return made, archiveProblem(err)
}

// newApp returns the app that is wished for, and the environment of its first release.
func (c *Controller) newApp(u Upload) (App, openEnvironment, error) {
	app := App{
		Name: u.Name, Routes: []traefik.Route{u.Route}, Settings: DefaultSettings().within(c.most),
		Mounts: u.Mounts, Wanted: WantedRunning, CreatedAt: time.Now(),
	}
	app.Settings.Port, app.Settings.Fallback, app.Settings.Database = u.Port, u.Fallback, u.Database
	var err error
	if app.Variables, err = c.changeEnvironment(u.Name, nil, EnvironmentChange{Set: u.Environment}); err != nil {
		return App{}, openEnvironment{}, inField("environment", err)
	}
	environment, err := c.open(u.Name, app.Variables)
	return app, environment, err
}

func newRelease(app AppName, from *Archive, by string) Release {
	now := time.Now()
	return Release{
		ReleaseID: ReleaseID{App: app}, State: ReleaseQueued, Steps: []Step{{State: ReleaseQueued, At: now}},
		Archive: from.file, ArchiveName: from.Name, ArchiveBytes: from.Bytes, ArchiveSHA256: from.SHA256,
		CreatedBy: by, CreatedAt: now,
	}
}

// archiveProblem words a refusal of the archive or of the plan for the person.
func archiveProblem(err error) error {
	if refusal, ok := errors.AsType[*archive.Refusal](err); ok {
		return &Problem{Kind: KindInvalid, Field: "archive", Message: refusal.Error(), Hint: refusal.Hint, Err: err}
	}
	if refusal, ok := errors.AsType[*plan.Refusal](err); ok {
		return &Problem{Kind: KindInvalid, Field: "archive", Message: refusal.Error(), Hint: refusal.Hint, Err: err}
	}
	return err
}

// claimProblem words a rule of the ledger for the person.
func claimProblem(err error, app App) error {
	switch {
	case errors.Is(err, ErrNameTaken):
		return &Problem{
			Kind: KindConflict, Field: "name", Err: err,
			Message: fmt.Sprintf("There is an app called %s already.", app.Name),
			Hint:    "Choose another name, or send the archive as an update on that app's page.",
		}
	case errors.Is(err, ErrHostRedirects):
		return routeProblem(err, app)
	case errors.Is(err, ErrRouteTaken):
		return &Problem{
			Kind: KindConflict, Field: "route", Err: err,
			Message: fmt.Sprintf("Another app answers at %s already.", app.Routes[0]),
			Hint:    "Choose another route, or delete the app that has it.",
		}
	case errors.Is(err, ErrUnderWay):
		return &Problem{
			Kind: KindConflict, Err: err,
			Message: fmt.Sprintf("A release of %s is under way.", app.Name),
			Hint:    "Wait until it is live or has failed, or cancel it on its page.",
		}
	case errors.Is(err, ErrStale):
		return &Problem{
			Kind: KindConflict, Err: err,
			Message: fmt.Sprintf("The environment of %s was changed by another in the same moment.", app.Name),
			Hint:    "Look at what it is now, and send yours again.",
		}
	case errors.Is(err, ErrNotFound):
		return noSuchApp(app.Name, err)
	default:
		return err
	}
}

func noSuchApp(name AppName, err error) *Problem {
	return &Problem{
		Kind: KindNotFound, Err: err,
		Message: fmt.Sprintf("There is no app called %s.", name),
		Hint:    "See the dashboard for the apps that there are.",
	}
}
