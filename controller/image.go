package controller

import (
	"context"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/dialects"
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

// examineUpload plans what the app is to be made of. It also returns the variables that a
// template asks for and that the app lacks, with new values.
func (c *Controller) examineUpload(ctx context.Context, u Upload, found app.App, environment environment.OpenEnvironment) (plan.Plan, []app.TemplateVariable, error) {
	options := c.releases.Permitted(environment.Options(found.Settings))
	if u.Archive != nil {
		of := dialects.App{Values: environment.Values(), Host: string(found.Routes[0].Host), Plain: u.Plain}
		made, asked, err := dialects.First(ctx, func() (*archive.Tree, error) { return c.uploads.Open(u.Archive.File()) }, options, of)
		if err == nil {
			err = found.CheckDestinations(made.Names())
		}
		return made, asked, problem.Refused("archive", err)
	}
	made, err := plan.FromImage(u.Image, options)
	return made, nil, release.OnImage(problem.Refused("archive", err))
}
