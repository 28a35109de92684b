package controller

import (
	"context"
	"fmt"
	"io"

	"berth/controller/app"
	"berth/controller/problem"
)

// Cancel ends a release that is under way; the app goes on as it was.
func (c *Controller) Cancel(ctx context.Context, id app.ReleaseID) error {
	release, err := c.Release(ctx, id)
	if err != nil {
		return err
	}
	if !release.State.UnderWay() {
		return problem.Conflict(
			fmt.Sprintf("The release %s is %s, so there is nothing to cancel.", id, release.State),
			"Only a release that is under way can be cancelled.",
		)
	}
	if err := c.releases.CancelAndWait(ctx, id); err != nil {
		return err
	}
	if release, err = c.Release(ctx, id); err != nil || release.State != app.ReleaseLive {
		return err
	}
	return problem.Conflict(
		fmt.Sprintf("The release %s went live in the same moment.", id),
		"Roll back to the one before, if it should not serve.",
	)
}

// QueuePlace returns the place of a release in the line for a build slot: 1 is
// next, 0 is not waiting.
func (c *Controller) QueuePlace(id app.ReleaseID) int { return c.releases.Place(id) }

// ReleaseLog opens the kept log of a release. While the release is under way the
// file grows: read on after a tick of Subscribe.
func (c *Controller) ReleaseLog(id app.ReleaseID) (io.ReadSeekCloser, error) {
	return c.releases.Log(id)
}
