package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/uploads"
)

// Retry is what is to be different in another try of a release.
type Retry struct {
	Settings app.Settings // of the app from then on, as ParseSettings returned them
	// Mount is one more volume, which is made where there is none; the zero Mount is none.
	Mount app.Mount
}

// Retry queues a release that is made of what one that failed or was cancelled was made
// of: its archive, its image, or the release that it ran again. It runs with the
// environment and the volumes that the app has now. While it is under way it is the
// answer to the same wish: who clicks twice has one release.
func (c *Controller) Retry(ctx context.Context, id app.ReleaseID, changes Retry, by string) (app.Release, error) {
	found, _, unlock, err := c.lockLive(ctx, id.App)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock()
	failed, err := c.Release(ctx, id)
	if err != nil {
		return app.Release{}, err
	}
	if !failed.CanRetry() {
		return app.Release{}, noRetry(failed)
	}
	if same, err := c.sameRetry(ctx, failed, changes); err != nil || same.Number != 0 {
		return same, err
	}
	if err := c.checkWaivers(changes.Settings); err != nil {
		return app.Release{}, err
	}
	mounts := slices.Clone(found.Mounts)
	if changes.Mount != (app.Mount{}) {
		mounts = append(mounts, changes.Mount)
	}
	if err := app.CheckMounts(mounts); err != nil {
		return app.Release{}, err
	}
	wish, err := c.retryOf(ctx, retried{app: found, failed: failed, settings: changes.Settings, mounts: mounts, by: by})
	if err != nil {
		return app.Release{}, err
	}
	if changes.Mount != (app.Mount{}) {
		if err := c.ensureMounted(ctx, found, changes.Mount); err != nil {
			return app.Release{}, err
		}
	}
	return c.queueRerun(ctx, found, wish)
}

// sameRetry is the release under way that is another try of failed with the same
// changes; the zero Release where there is none.
func (c *Controller) sameRetry(ctx context.Context, failed app.Release, changes Retry) (app.Release, error) {
	releases, err := c.ledger.ListReleases(ctx, failed.App)
	if err != nil {
		return app.Release{}, err
	}
	at := slices.IndexFunc(releases, func(r app.Release) bool {
		return r.State.UnderWay() && r.Number > failed.Number && r.MadeAs(failed) && r.Settings == changes.Settings &&
			(changes.Mount == (app.Mount{}) || slices.Contains(r.Mounts, changes.Mount))
	})
	if at < 0 {
		return app.Release{}, nil
	}
	return releases[at], nil
}

// retried is what a second try is made from.
type retried struct {
	app      app.App
	failed   app.Release
	settings app.Settings
	mounts   []app.Mount
	by       string
}

func (c *Controller) retryOf(ctx context.Context, r retried) (wish app.Release, err error) {
	switch {
	case r.failed.RerunOf != 0:
		return c.retryOfRerun(ctx, r)
	case r.failed.Reference != "":
		wish = c.retryOfImage(ctx, r)
	default:
		wish, err = c.retryOfArchive(ctx, r)
	}
	wish.Settings, wish.Mounts = r.settings, r.mounts
	return wish, err
}

func (c *Controller) retryOfArchive(ctx context.Context, r retried) (app.Release, error) {
	environment, err := c.openSavedEnvironment(ctx, r.app.Name)
	if err != nil {
		return app.Release{}, err
	}
	failed := r.failed
	from := &uploads.Archive{Name: failed.ArchiveName, Bytes: failed.ArchiveBytes, SHA256: failed.ArchiveSHA256}
	if err := c.examine(ctx, failed.Archive, r.app, environment.Options(r.settings)); err != nil {
		return app.Release{}, err
	}
	wish := newRelease(failed.App, from, r.by)
	wish.Archive = failed.Archive
	return wish, nil
}

// retryOfImage runs the very image that was pulled, where it is there still.
func (c *Controller) retryOfImage(ctx context.Context, r retried) app.Release {
	wish := newRelease(r.failed.App, &uploads.Archive{}, r.by)
	wish.Reference = r.failed.Reference
	if _, err := c.engine.FindImage(ctx, r.failed.Image); err == nil && r.failed.Image != "" {
		wish.Image, wish.Digest, wish.Services = r.failed.Image, r.failed.Digest, r.failed.Again(r.settings)
	}
	return wish
}

func (c *Controller) retryOfRerun(ctx context.Context, r retried) (app.Release, error) {
	origin, err := c.Release(ctx, app.ReleaseID{App: r.app.Name, Number: r.failed.RerunOf})
	if err != nil {
		return app.Release{}, err
	}
	if origin.Image == "" {
		return app.Release{}, noRetry(r.failed)
	}
	return c.releaseAgain(ctx, r.app, rerun{of: origin, cause: r.failed.Cause, settings: r.settings, mounts: r.mounts}, r.by)
}

// ensureMounted makes the volume that is asked for, where it is not there.
func (c *Controller) ensureMounted(ctx context.Context, app app.App, mount app.Mount) error {
	err := c.volumes.Create(ctx, mount.Volume, fmt.Sprintf("of %s, at %s", app.Name, mount.Target))
	if errors.Is(err, docker.ErrVolumeExists) {
		return nil
	}
	return err
}

func noRetry(release app.Release) *problem.Problem {
	problem := problem.Conflict(
		fmt.Sprintf("Release r%d cannot be tried again: what it was made of is not kept any more.", release.Number),
		"Upload its archive again as an update, or deploy its image again.",
	)
	if release.State != app.ReleaseFailed && release.State != app.ReleaseCancelled {
		problem.Message = fmt.Sprintf("Release r%d cannot be tried again: it is %s.", release.Number, release.State)
		problem.Hint = "Only a release that failed or was cancelled can be tried again."
	}
	return problem
}
