package controller

import (
	"io"

	"berth/controller/app"
)

// ReleaseLog opens the kept log of a release. While the release is under way the
// file grows: read on after a tick of Subscribe.
func (c *Controller) ReleaseLog(id app.ReleaseID) (io.ReadSeekCloser, error) {
	return c.releases.Log(id)
}
