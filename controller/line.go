package controller

import (
	"berth/controller/app"
)

// QueuePlace returns the place of a release in the line for a build slot: 1 is
// next, 0 is not waiting.
func (c *Controller) QueuePlace(id app.ReleaseID) int { return c.releases.Place(id) }
