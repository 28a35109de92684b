package controller

import (
	"context"

	"berth/controller/app"
)

// Rename has record give an app another name in the ledger, and queue the release that it is
// given: it runs what is live under that name. For an app that does not run it is the zero Release.
func (c *Controller) Rename(ctx context.Context, name, to app.Name, by string, record func(context.Context, app.Release) (app.Release, error)) (app.Release, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTimeout)
	defer cancel()
	found, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock()
	var release app.Release
	if lost, err := c.lostImages(ctx, live); err == nil && !lost && live.Number != 0 && found.Wanted == app.WantedRunning {
		if release, err = c.releaseAgain(ctx, found, rerun{of: live, cause: app.CauseSettings, settings: found.Settings, mounts: found.Mounts}, by); err != nil {
			return app.Release{}, err
		}
	}
	c.renames.Add(1)
	err = c.volumes.Hold(ctx, release.Mounts, func() (err error) { release, err = record(ctx, release); return err })
	if err != nil {
		return app.Release{}, err
	}
	if c.routes.Publish(ctx) != nil {
		c.requestReconcile() // which publishes them
	}
	if release.Number != 0 {
		c.releases.Dispatch(release)
	}
	c.seen.enter(name, nil)
	c.notices.Notify(name)
	c.notices.Notify(to)
	return release, nil
}
