package controller

import (
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/uploads"
)

// Preview is how an archive will be built, before anything is.
type Preview struct {
	Kind       string   // what the archive was taken for, such as "Go"
	Own        string   // path of the Dockerfile that the archive brings; empty where it brings none
	Dockerfile string   // whole text of the one that Berth wrote; empty where it wrote none
	Reasons    []string // whole sentences: what was found, and what follows
	Services   []string // names, in the order in which they start

	environment []app.VariableWish // that it was read with; it waits with the archive
}

// Variables is how many were given for it.
func (p Preview) Variables() int { return len(p.environment) }

// Examine says how the archive of a new app will be built, or refuses it as
// Accept would. It claims nothing and keeps nothing: the archive stays the
// caller's. A name or a route that is left empty is not looked at.
func (c *Controller) Examine(ctx context.Context, u Upload) (Preview, error) {
	app, environment, err := c.newApp(u)
	if err != nil {
		return Preview{}, err
	}
	if err := c.checkWaivers(app.Settings); err != nil {
		return Preview{}, err
	}
	made, err := c.examineUpload(ctx, u, app, environment)
	if err != nil {
		return Preview{}, err
	}
	if err := c.checkClaims(ctx, app); err != nil {
		return Preview{}, claimProblem(err, app)
	}
	preview := previewOf(made)
	preview.environment = u.Environment
	return preview, nil
}

// ExamineUpdate is Examine for the next release of an app. A release under way is
// no reason to refuse: it may have ended by the time the archive is deployed.
func (c *Controller) ExamineUpdate(ctx context.Context, name app.Name, received *uploads.Archive) (Preview, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return Preview{}, err
	}
	if err := c.checkWaivers(app.Settings); err != nil {
		return Preview{}, err
	}
	environment, err := c.openSavedEnvironment(ctx, name)
	if err != nil {
		return Preview{}, err
	}
	made, err := c.examine(ctx, received.File(), app, environment.Options(app.Settings))
	if err != nil {
		return Preview{}, err
	}
	expected, err := c.foresee(ctx, app, made, environment)
	if err != nil {
		return Preview{}, err
	}
	preview := previewOf(made)
	preview.Reasons = append(expected, preview.Reasons...)
	return preview, nil
}

// checkClaims says early what CreateApp would; only CreateApp decides.
func (c *Controller) checkClaims(ctx context.Context, wish app.App) error {
	apps, err := c.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if app.Name == wish.Name {
			return problem.ErrNameTaken
		}
	}
	for _, found := range apps {
		if slices.Contains(found.Routes, wish.Routes[0]) {
			return app.ErrRouteTaken
		}
	}
	return nil
}

func previewOf(made plan.Plan) Preview {
	var preview Preview
	for _, service := range made.Services {
		preview.Services = append(preview.Services, service.Name)
		if service.Name == made.Main {
			preview.describe(service)
		}
	}
	if made.Composed {
		preview.Kind = "Compose app"
		preview.Own, preview.Dockerfile, preview.Reasons = "", "", []string{fmt.Sprintf("The route leads to %s.", made.Main)}
	}
	preview.Reasons = append(preview.Reasons, made.Notes...)
	for _, service := range made.Services {
		if name, known := plan.DatabaseImage(service.Image); known && !service.Waivers.Database {
			preview.Reasons = append(preview.Reasons, fmt.Sprintf("%s runs the image of %s, which starts as root and drops root later: it needs the security exception \"Database\".", service.Name, name))
		}
	}
	return preview
}

// describe says how the service that the route leads to is made.
func (p *Preview) describe(service plan.Service) {
	switch {
	case service.Build.Generated != nil:
		p.Kind = service.Build.Generated.Kind
		p.Dockerfile = service.Build.Generated.Dockerfile
		p.Reasons = service.Build.Generated.Reasons
	case service.Image != "":
		p.Kind = "Image"
		p.Reasons = []string{
			fmt.Sprintf("The image %s is run as it is.", service.Image),
			"It is pulled when it is deployed; what its registry has then is what runs, also after a restart or a rollback.",
		}
	default:
		p.Kind = "Dockerfile"
		p.Own = service.Build.Dockerfile
	}
}
