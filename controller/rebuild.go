package controller

import (
	"context"
	"errors"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
)

// Rebuild queues a release that makes the images of what is live again, from its archive
// or its registry, where the engine lost them: this is another machine, or somebody has
// removed them. The zero Release says that there is nothing to do.
func (c *Controller) Rebuild(ctx context.Context, name app.Name, by string) (app.Release, error) {
	return c.rerun(ctx, name, by, func(found app.App, live app.Release) (rerun, error) {
		if live.Number == 0 || found.Wanted != app.WantedRunning {
			return rerun{}, nil
		}
		gone, err := c.lostImages(ctx, live)
		if err != nil || !gone || live.Archive == "" && live.Digest == "" {
			return rerun{}, err
		}
		return rebuilt(live), nil
	})
}

// startLost queues a release that makes the images of a stopped app again and starts it.
// The app stays stopped until the release is live.
func (c *Controller) startLost(ctx context.Context, name app.Name) error {
	_, err := c.rerun(ctx, name, app.Berth, func(_ app.App, live app.Release) (rerun, error) { return rebuilt(live), nil })
	return err
}

func rebuilt(live app.Release) rerun {
	return rerun{of: live, cause: app.CauseEnvironment, settings: live.Settings, mounts: live.Mounts, rebuild: true}
}

func (c *Controller) lostImages(ctx context.Context, live app.Release) (lost bool, err error) {
	for _, image := range slices.Compact(live.Images()) {
		_, err := c.engine.FindImage(ctx, image)
		if errors.Is(err, docker.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
