package controller

import (
	"context"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
	"berth/controller/uploads"
)

// release is the first or next release that the upload asks for.
func (u Upload) release() app.Release {
	if u.Archive != nil {
		return newRelease(u.Name, u.Archive, u.By)
	}
	release := newRelease(u.Name, &uploads.Archive{}, u.By)
	release.Reference = u.Image
	return release
}

// examineUpload plans what the app is to be made of.
func (c *Controller) examineUpload(ctx context.Context, u Upload, app app.App, environment environment.OpenEnvironment) (plan.Plan, error) {
	if u.Archive != nil {
		return c.examine(ctx, u.Archive.File(), app, environment.Options(app.Settings))
	}
	made, err := plan.FromImage(u.Image, c.releases.Permitted(environment.Options(app.Settings)))
	return made, release.OnImage(problem.Refused("archive", err))
}
