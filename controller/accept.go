package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/traefik"
)

// Accept looks into the archive, claims name and route, and queues the first
// release, all or nothing. It takes the archive over where it succeeds; after a
// refusal the caller discards it. An image in its place is pulled by the release.
func (c *Controller) Accept(ctx context.Context, u Upload) (app.Release, error) {
	found, environment, err := c.newApp(u)
	if err != nil {
		return app.Release{}, err
	}
	if err := c.checkWaivers(found.Settings); err != nil {
		return app.Release{}, err
	}
	if _, err := c.examineUpload(ctx, u, found, environment); err != nil {
		return app.Release{}, err
	}
	if err := app.CheckMounts(found.Mounts); err != nil {
		return app.Release{}, err
	}
	if err := c.refuseForeignName(found.Name, u.Route); err != nil {
		return app.Release{}, err
	}
	if err := u.Archive.sync(); err != nil {
		return app.Release{}, err
	}
	var release app.Release
	err = c.holdingVolumes(ctx, found.Mounts, func() (err error) {
		release, err = c.ledger.CreateApp(ctx, found, u.release())
		return err
	})
	if err != nil {
		return app.Release{}, claimProblem(err, found)
	}
	if u.Archive != nil {
		u.Archive.file = "" // it belongs to the release now
	}
	c.recordWaivers(ctx, app.App{Name: found.Name}, found.Settings, u.By)
	c.dispatch(release)
	c.checkLater(u.Route.Host)
	c.notices.notify(found.Name)
	return release, nil
}

// AcceptUpdate looks into the archive and queues the next release of an app.
func (c *Controller) AcceptUpdate(ctx context.Context, name app.Name, received *Archive, by string) (app.Release, error) {
	found, err := c.findApp(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	if err := c.checkWaivers(found.Settings); err != nil {
		return app.Release{}, err
	}
	environment, err := c.openSavedEnvironment(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	if _, err := c.examine(ctx, received, found, environment.Options(found.Settings)); err != nil {
		return app.Release{}, err
	}
	if err := received.sync(); err != nil {
		return app.Release{}, err
	}
	release, err := c.ledger.CreateRelease(ctx, newRelease(name, received, by))
	if err != nil {
		return app.Release{}, claimProblem(err, found)
	}
	received.file = ""
	c.dispatch(release)
	c.notices.notify(name)
	return release, nil
}

// Rollback queues a release that runs the image of an earlier one again with its
// settings and its environment, without a build. The image of number must still be kept.
func (c *Controller) Rollback(ctx context.Context, name app.Name, number int64, by string) (app.Release, error) {
	found, _, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock() // until then no image is removed for its age
	old, err := c.Release(ctx, app.ReleaseID{App: name, Number: number})
	if err != nil {
		return app.Release{}, err
	}
	if old.State != app.ReleaseSuperseded || old.Image == "" {
		return app.Release{}, problem.Conflict(
			fmt.Sprintf("Release r%d cannot be run again: it is %s.", number, old.State),
			"Choose a superseded release whose image is still kept.",
		).At("release")
	}
	return c.queueRerun(ctx, found, rerunOf(old, by))
}

// lockLive takes the app's lock and returns the app with its live release, the zero
// Release where it has none. Under the lock nothing is promoted: the image of the
// live release is not an old one by the time that a rerun of it is queued.
func (c *Controller) lockLive(ctx context.Context, name app.Name) (found app.App, live app.Release, unlock func(), err error) {
	if unlock, err = c.apps.Lock(ctx, name); err != nil {
		return app.App{}, app.Release{}, nil, err
	}
	if found, err = c.findApp(ctx, name); err == nil && found.Live != 0 {
		live, err = c.Release(ctx, app.ReleaseID{App: name, Number: found.Live})
	}
	if err != nil {
		unlock()
		return app.App{}, app.Release{}, nil, err
	}
	return found, live, unlock, nil
}

// rerunOf returns the wish to run the image of an earlier release again, as it was.
func rerunOf(old app.Release, by string) app.Release {
	wish := newRelease(old.App, &Archive{Name: old.ArchiveName, Bytes: old.ArchiveBytes, SHA256: old.ArchiveSHA256}, by)
	wish.RollbackOf, wish.Image, wish.Settings, wish.Mounts, wish.Environment = old.Number, old.Image, old.Settings, old.Mounts, old.Environment
	wish.Services = old.Again(old.Settings)
	wish.Reference, wish.Digest = old.Reference, old.Digest
	return wish
}

func (c *Controller) queueRerun(ctx context.Context, found app.App, wish app.Release) (app.Release, error) {
	if err := c.checkWaivers(wish.Settings); err != nil {
		return app.Release{}, err
	}
	for _, image := range wish.Images() {
		// One that was pulled can be had again by its digest.
		if _, err := c.engine.FindImage(ctx, image); err != nil && wish.Digest == "" {
			return app.Release{}, problem.Conflict(
				fmt.Sprintf("The image of release r%d is not kept any more.", wish.RollbackOf),
				"Upload its archive again as an update, or deploy its image again.",
			).At("release").Because(err)
		}
	}
	var release app.Release
	err := c.holdingVolumes(ctx, wish.Mounts, func() (err error) {
		release, err = c.ledger.CreateRerun(ctx, wish)
		return err
	})
	if err != nil {
		return app.Release{}, claimProblem(err, found)
	}
	c.recordWaivers(ctx, found, release.Settings, release.CreatedBy)
	c.dispatch(release)
	c.notices.notify(found.Name)
	return release, nil
}

// examine opens the archive and plans it, so that what is wrong with it is said
// on the form; the release does both again, from the same file.
func (c *Controller) examine(ctx context.Context, received *Archive, app app.App, options plan.Options) (plan.Plan, error) {
	tree, err := c.uploads.open(received.file, c.limits)
	if err != nil {
		return plan.Plan{}, archiveProblem(err)
	}
	defer tree.Close()
	made, err := planFor(ctx, tree, app.Name, c.permitted(options))
	return made, archiveProblem(err)
}

// newApp returns the app that is wished for, and the environment of its first release.
func (c *Controller) newApp(u Upload) (app.App, environment.OpenEnvironment, error) {
	found := app.App{
		Name: u.Name, Routes: []traefik.Route{u.Route}, Settings: app.DefaultSettings().Within(c.most),
		Mounts: u.Mounts, Wanted: app.WantedRunning, CreatedAt: time.Now(),
	}
	found.Settings.Port, found.Settings.Fallback, found.Settings.Database = u.Port, u.Fallback, u.Database
	var err error
	if found.Variables, err = c.changeEnvironment(u.Name, nil, app.EnvironmentChange{Set: u.Environment}); err != nil {
		return app.App{}, environment.OpenEnvironment{}, problem.InField("environment", err)
	}
	environment, err := c.open(u.Name, found.Variables)
	return found, environment, err
}

func newRelease(name app.Name, from *Archive, by string) app.Release {
	now := time.Now()
	return app.Release{
		ReleaseID: app.ReleaseID{App: name}, State: app.ReleaseQueued, Steps: []app.Step{{State: app.ReleaseQueued, At: now}},
		Archive: from.file, ArchiveName: from.Name, ArchiveBytes: from.Bytes, ArchiveSHA256: from.SHA256,
		CreatedBy: by, CreatedAt: now,
	}
}

// archiveProblem words a refusal of the archive or of the plan for the person.
func archiveProblem(err error) error {
	return problem.Refused("archive", err)
}

// claimProblem words a rule of the ledger for the person.
func claimProblem(err error, found app.App) error {
	switch {
	case errors.Is(err, problem.ErrNameTaken):
		return problem.Conflict(
			fmt.Sprintf("There is an app called %s already.", found.Name),
			"Choose another name, or send the archive as an update on that app's page.",
		).At("name").Because(err)
	case errors.Is(err, app.ErrHostRedirects):
		return routeProblem(err, found)
	case errors.Is(err, app.ErrRouteTaken):
		return problem.Conflict(
			fmt.Sprintf("Another app answers at %s already.", found.Routes[0]),
			"Choose another route, or delete the app that has it.",
		).At("route").Because(err)
	case errors.Is(err, app.ErrUnderWay):
		return problem.Conflict(
			fmt.Sprintf("A release of %s is under way.", found.Name),
			"Wait until it is live or has failed, or cancel it on its page.",
		).Because(err)
	case errors.Is(err, app.ErrStale):
		return problem.Conflict(
			fmt.Sprintf("The environment of %s was changed by another in the same moment.", found.Name),
			"Look at what it is now, and send yours again.",
		).Because(err)
	case errors.Is(err, problem.ErrNotFound):
		return noSuchApp(found.Name, err)
	default:
		return err
	}
}

func noSuchApp(name app.Name, err error) *problem.Problem {
	return problem.NotFound(
		fmt.Sprintf("There is no app called %s.", name),
		"See the dashboard for the apps that there are.",
	).Because(err)
}
