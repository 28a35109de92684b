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
	found, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock()
	switch {
	case found.Live != 0 && !slices.Equal(live.Mounts, mounts):
		wish := rerunOf(live, by)
		wish.Services, wish.Archive = live.Again(found.Settings), live.Archive
		wish.Settings, wish.Mounts, wish.NewSettings = found.Settings, mounts, true
		return c.queueRerun(ctx, found, wish)
	case !slices.Equal(found.Mounts, mounts):
		err := c.volumes.Hold(ctx, mounts, func() error { return c.ledger.UpdateMounts(ctx, name, mounts) })
		c.notices.notify(name)
		return app.Release{}, claimProblem(err, found)
	default:
		return app.Release{}, nil
	}
}

// busyReplacing refuses what a person asks of instances that stand still for a release.
func busyReplacing(name app.Name) error {
	return problem.Conflict(
		fmt.Sprintf("A release of %s is taking over at this moment.", name),
		"Wait until it is live or has failed; its page says how far it is.",
	)
}
