package controller

import (
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
)

// UpdateMounts gives the app other volumes. As with UpdateSettings, its live
// image is run again with them as a release of its own; where there is nothing
// to run, the zero Release is returned.
func (c *Controller) UpdateMounts(ctx context.Context, name app.Name, mounts []app.Mount, by string) (app.Release, error) {
	if err := app.CheckMounts(mounts); err != nil {
		return app.Release{}, err
	}
	return c.rerun(ctx, name, by, func(found app.App, live app.Release) (rerun, error) {
		if found.Live != 0 && !slices.Equal(live.Mounts, mounts) {
			return rerun{of: live, cause: app.CauseMounts, settings: found.Settings, mounts: mounts}, nil
		}
		if slices.Equal(found.Mounts, mounts) {
			return rerun{}, nil
		}
		err := c.volumes.Hold(ctx, mounts, func() error { return c.ledger.UpdateMounts(ctx, name, mounts) })
		c.notices.Notify(name)
		return rerun{}, claimProblem(err, found)
	})
}

// busyReplacing refuses what a person asks of instances that stand still for a release.
func busyReplacing(name app.Name) error {
	return problem.Conflict(
		fmt.Sprintf("A release of %s is taking over at this moment.", name),
		"Wait until it is live or has failed; its page says how far it is.",
	)
}
