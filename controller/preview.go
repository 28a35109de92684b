package controller

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/foresight"
	"berth/controller/plan"
	"berth/controller/problem"
)

// Examine says how the archive will be built, or refuses it as Accept would. It claims
// nothing and keeps nothing: the archive stays the caller's. A name or a route of a new
// app that is left empty is not looked at. A release under way is no reason to refuse the
// next one: it may have ended by the time the archive is deployed.
//
// What is found in an archive that is held is held with it.
func (c *Controller) Examine(ctx context.Context, u Upload) (app.Preview, error) {
	if u.Held != (HeldKey{}) {
		return c.examineHeld(ctx, u)
	}
	found, environment, err := c.appOf(ctx, u)
	if err != nil {
		return app.Preview{}, err
	}
	made, asked, err := c.examineUpload(ctx, u, found, environment)
	if err != nil {
		return app.Preview{}, err
	}
	if found.Settings.Choices.ImageVolumes {
		declareVolumes(&made)
	}
	if u.Routes != nil {
		made.Routes = u.Routes
	}
	preview := app.PreviewOf(made, found.Mounts...)
	preview.RootStartForbidden = app.Forbids(c.forbidden, app.WaiverRootStart)
	preview.Ask(asked)
	preview.Environment = u.Environment
	if u.Next {
		expected, err := c.foresee(ctx, found, made, environment)
		preview.Reasons = append(expected, preview.Reasons...)
		return preview, err
	}
	if found.Name != "" {
		if err := c.addWishes(u, &found, made); err != nil {
			return app.Preview{}, err
		}
	}
	return preview, claimProblem(c.checkClaims(ctx, found), found)
}

// checkClaims says early what CreateApp would; only CreateApp decides.
func (c *Controller) checkClaims(ctx context.Context, wish app.App) error {
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	for _, found := range apps {
		if found.Name == wish.Name {
			return problem.ErrNameTaken
		}
	}
	for _, found := range apps {
		for _, route := range wish.Routes {
			if slices.Contains(found.Routes, route) {
				return &app.RouteTakenError{Route: route, App: found.Name}
			}
		}
	}
	return nil
}

// declareVolumes gives the services the volumes that their Dockerfiles declare. Those of
// images are not known yet.
func declareVolumes(made *plan.Plan) {
	var taken []string
	for i, service := range made.Services {
		made.Services[i] = service.Declare(service.Build.Start.Volumes, true, taken)
		for _, mount := range made.Services[i].Mounts {
			taken = append(taken, mount.Volume)
		}
	}
}

// foresee says what the plan of an upload will do to what runs.
func (c *Controller) foresee(ctx context.Context, found app.App, made plan.Plan, environment environment.OpenEnvironment) ([]string, error) {
	live, err := c.liveOf(ctx, found.Name)
	if err != nil || !made.Composed || live.Number == 0 {
		return nil, err
	}
	former, err := c.releases.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return nil, err
	}
	return foresight.Of(live, made, func(old app.ServiceRun, service plan.Service) (bool, error) {
		return c.releases.SameDefinition(live, old, service, environment, former)
	})
}
