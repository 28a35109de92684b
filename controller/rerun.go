package controller

import (
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/uploads"
)

// rerun is a wish to run the images of an earlier release again, without a build and
// without a gap. The zero value wishes for nothing.
type rerun struct {
	of       app.Release
	cause    app.Cause
	settings app.Settings
	mounts   []app.Mount
	rebuild  bool // the images are made again from the archive
}

// Rollback queues a release that runs the image of an earlier one again with its
// settings and its environment, without a build unless the engine lost the image. The
// image of number must be one that is still kept.
func (c *Controller) Rollback(ctx context.Context, name app.Name, number int64, by string) (app.Release, error) {
	return c.rerun(ctx, name, by, func(app.App, app.Release) (rerun, error) {
		old, err := c.Release(ctx, app.ReleaseID{App: name, Number: number})
		if err != nil {
			return rerun{}, err
		}
		if old.State != app.ReleaseSuperseded || old.Image == "" {
			return rerun{}, problem.Conflict(
				fmt.Sprintf("Release r%d cannot be run again: it is %s.", number, old.State),
				"Choose a superseded release whose image is still kept.",
			).At("release")
		}
		lost, err := c.lostImages(ctx, old)
		return rerun{of: old, cause: app.CauseRollback, settings: old.Settings, mounts: old.Mounts, rebuild: lost}, err
	})
}

// rerun queues what choose wishes for; the zero Release says that it wished for nothing.
// choose gets the app with its live release, the zero Release if it has none. It runs
// under the app's lock: until the release is queued nothing is promoted, and no image is
// removed for its age.
func (c *Controller) rerun(ctx context.Context, name app.Name, by string, choose func(app.App, app.Release) (rerun, error)) (app.Release, error) {
	found, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock()
	again, err := choose(found, live)
	if err != nil || again.of.Number == 0 {
		return app.Release{}, err
	}
	wish, err := c.releaseAgain(ctx, found, again, by)
	if err != nil {
		return app.Release{}, err
	}
	return c.queueRerun(ctx, found, wish)
}

// lockLive takes the app's lock and returns the app with its live release.
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

// releaseAgain is the release that the rerun asks for.
func (c *Controller) releaseAgain(ctx context.Context, found app.App, again rerun, by string) (app.Release, error) {
	old := again.of
	wish := newRelease(old.App, &uploads.Archive{Name: old.ArchiveName, Bytes: old.ArchiveBytes, SHA256: old.ArchiveSHA256}, by)
	wish.Cause, wish.RerunOf = again.cause, old.Number
	wish.Image, wish.Reference, wish.Digest, wish.Environment = old.Image, old.Reference, old.Digest, old.Environment
	wish.Settings, wish.Mounts, wish.Services = again.settings, again.mounts, old.Again(again.settings)
	wish.Archive = old.Archive
	if again.rebuild && wish.Archive != "" {
		err := c.planAgain(ctx, found, &wish)
		return wish, err
	}
	if again.cause != app.CauseEnvironment {
		return wish, nil
	}
	planned := old.PlannedWithVariables()
	built, err := c.buildChanges(ctx, old)
	if err == nil && (planned || built) {
		err = c.planAgain(ctx, found, &wish)
	}
	return wish, err
}

// buildChanges reports whether the saved variables make another image than that of the
// release.
func (c *Controller) buildChanges(ctx context.Context, old app.Release) (bool, error) {
	was, err := c.ledger.FindEnvironmentOf(ctx, old.ReleaseID)
	if err != nil || old.Reference != "" {
		return false, err
	}
	_, saved, err := c.ledger.FindEnvironment(ctx, old.App)
	return !slices.EqualFunc(app.BuildVariables(was), app.BuildVariables(saved), app.Variable.Equal), err
}

// planAgain lets the release be planned anew from the archive of the live one: what a
// compose file says depends on the variables. Its images come from the build cache.
func (c *Controller) planAgain(ctx context.Context, app app.App, wish *app.Release) error {
	if wish.Archive == "" {
		return problem.Conflict(
			"The archive of what runs is not kept any more, and it has to be read and built again with the new variables.",
			"Upload the archive as an update: it takes the variables as they are saved.",
		)
	}
	environment, err := c.openSavedEnvironment(ctx, app.Name)
	if err != nil {
		return err
	}
	if err := c.examine(ctx, wish.Archive, app, environment.Options(app.Settings)); err != nil {
		return err
	}
	wish.Image, wish.Services = "", nil
	return nil
}

func (c *Controller) queueRerun(ctx context.Context, found app.App, wish app.Release) (app.Release, error) {
	if err := c.checkWaivers(wish.Settings); err != nil {
		return app.Release{}, err
	}
	if err := found.CheckRun(wish); err != nil {
		return app.Release{}, err
	}
	for _, image := range wish.Images() {
		// One that was pulled can be had again by its digest.
		if _, err := c.engine.FindImage(ctx, image); err != nil && wish.Digest == "" {
			return app.Release{}, problem.Conflict(
				fmt.Sprintf("The image of release r%d is not kept any more.", wish.RerunOf),
				"Upload its archive again as an update, or deploy its image again.",
			).At("release").Because(err)
		}
	}
	var release app.Release
	err := c.volumes.Hold(ctx, wish.Mounts, func() (err error) {
		release, err = c.ledger.CreateRerun(ctx, wish)
		return err
	})
	if err != nil {
		return app.Release{}, claimProblem(err, found)
	}
	c.recordWaivers(ctx, found, release.Settings, release.CreatedBy)
	c.releases.Dispatch(release)
	c.notices.Notify(found.Name)
	return release, nil
}
