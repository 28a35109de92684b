package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
	"berth/controller/routing"
	"berth/controller/uploads"
	"berth/traefik"
)

// Accept looks into the upload and queues a release of it: the first one of a new app,
// whose name and route it claims, or the next one of an app that is there. It does all of
// that or nothing. It takes the archive over where it succeeds; after a refusal the caller
// discards it. An image is pulled by the release.
//
// An archive that is held stays held after a refusal. Once it is accepted the same release
// is the answer each time: who asks twice has one app.
func (c *Controller) Accept(ctx context.Context, u Upload) (app.Release, error) {
	if u.Held != (HeldKey{}) {
		return c.acceptHeld(ctx, u)
	}
	if err := c.uploads.Refuse(); err != nil { // an image that would be pulled too
		return app.Release{}, err
	}
	found, environment, err := c.appOf(ctx, u)
	if err != nil {
		return app.Release{}, err
	}
	made, asked, err := c.examineUpload(ctx, u, found, environment)
	if err != nil {
		return app.Release{}, err
	}
	u.asked = asked
	if err := c.refuseClaims(u, &found, made); err != nil {
		return app.Release{}, err
	}
	if err := u.Archive.Sync(); err != nil {
		return app.Release{}, err
	}
	release, err := c.queueUpload(ctx, u, found)
	if err != nil {
		return app.Release{}, claimProblem(err, found)
	}
	if u.Archive != nil {
		u.Archive.Take() // it belongs to the release now
	}
	if !u.Next {
		c.recordWaivers(ctx, app.App{Name: found.Name}, found.Settings, u.By)
		for _, route := range found.Routes {
			c.routes.CheckLater(route.Host)
		}
	}
	c.releases.Dispatch(release)
	c.notices.Notify(found.Name)
	return release, nil
}

// appOf returns the app that the upload is for, as it is or as it is wished for, and the
// environment that its release gets.
func (c *Controller) appOf(ctx context.Context, u Upload) (found app.App, environment environment.OpenEnvironment, err error) {
	if u.Next {
		found, environment, err = c.nextOf(ctx, u)
	} else {
		found, environment, err = c.newApp(u)
	}
	if err == nil {
		err = c.checkWaivers(found.Settings)
	}
	return found, environment, err
}

// nextOf returns the app with the settings that the upload gives it, and its environment
// with the variables of the upload.
func (c *Controller) nextOf(ctx context.Context, u Upload) (app.App, environment.OpenEnvironment, error) {
	found, err := c.findApp(ctx, u.Name)
	if err != nil || len(u.Environment) == 0 && u.Settings == nil {
		environment, openErr := c.openSavedEnvironment(ctx, u.Name)
		return found, environment, cmp.Or(err, openErr)
	}
	if u.Settings != nil {
		found.Settings = *u.Settings
	}
	_, kept, err := c.ledger.FindEnvironment(ctx, u.Name)
	if err == nil {
		kept, err = environment.Change(c.key, u.Name, kept, app.EnvironmentChange{Set: u.Environment, StayBuild: true})
	}
	if err != nil {
		return app.App{}, environment.OpenEnvironment{}, problem.AtField("environment", err)
	}
	environment, err := c.releases.Open(u.Name, kept)
	return found, environment, err
}

// saveWishes saves the settings and the variables that the upload gives to the app that is
// there. They stay for the next upload if this one is refused after all.
func (c *Controller) saveWishes(ctx context.Context, u Upload) error {
	if u.Settings != nil {
		before, err := c.findApp(ctx, u.Name)
		if err == nil {
			err = c.ledger.UpdateSettings(ctx, u.Name, *u.Settings)
		}
		if err != nil {
			return err
		}
		c.recordWaivers(ctx, before, *u.Settings, u.By)
	}
	if len(u.Environment)+len(u.asked) == 0 {
		return nil
	}
	change := app.ChangeOf(u.Environment, u.asked)
	change.StayBuild = true
	_, err := c.UpdateEnvironment(ctx, u.Name, change)
	return err
}

// refuseClaims refuses what a new app cannot have, whoever else has it, and gives it the
// routes that its plan asks for.
func (c *Controller) refuseClaims(u Upload, found *app.App, made plan.Plan) error {
	if u.Next {
		return nil
	}
	if err := app.CheckMounts(found.Mounts); err != nil {
		return err
	}
	if err := c.routes.RefuseForeignName(found.Name, u.Route); err != nil {
		return err
	}
	return c.addWishes(u, found, made)
}

// addWishes gives a new app the routes of its services: those that a person chose, else
// those that its compose file asks for.
func (c *Controller) addWishes(u Upload, found *app.App, made plan.Plan) error {
	if u.Routes == nil {
		return c.routes.AddWishes(found, made)
	}
	made.Routes = u.Routes
	return problem.AtField("service_routes", c.routes.AddWishes(found, made))
}

func (c *Controller) queueUpload(ctx context.Context, u Upload, found app.App) (release app.Release, err error) {
	if u.Next {
		if err := c.saveWishes(ctx, u); err != nil {
			return app.Release{}, err
		}
		return c.ledger.CreateRelease(ctx, u.release())
	}
	if found.Variables, err = environment.Change(c.key, u.Name, nil, app.ChangeOf(u.Environment, u.asked)); err != nil {
		return app.Release{}, problem.AtField("environment", err)
	}
	err = c.volumes.Hold(ctx, found.Mounts, func() (err error) {
		release, err = c.ledger.CreateApp(ctx, found, u.release())
		return err
	})
	return release, err
}

// examine opens the archive and plans it, so that what is wrong with it is said
// on the form; the release does both again, from the same file.
func (c *Controller) examine(ctx context.Context, file string, app app.App, options plan.Options) error {
	tree, err := c.uploads.Open(file)
	if err != nil {
		return problem.Refused("archive", err)
	}
	defer tree.Close()
	made, err := release.PlanFor(ctx, tree, app.Name, c.releases.Permitted(options))
	if err == nil {
		err = app.CheckDestinations(made.Names())
	}
	return problem.Refused("archive", err)
}

// newApp returns the app that is wished for, and the environment of its first release.
func (c *Controller) newApp(u Upload) (app.App, environment.OpenEnvironment, error) {
	found := app.App{
		Name: u.Name, Routes: []traefik.Route{u.Route}, Settings: app.DefaultSettings().Within(c.most),
		Mounts: u.Mounts, Access: u.Access, Wanted: app.WantedRunning, CreatedAt: time.Now(),
	}
	if wished := u.Settings; wished != nil && u.OwnLimits {
		found.Settings = wished.Within(c.most)
	} else if wished != nil {
		found.Settings = wished.WithLimits(found.Settings)
	}
	var err error
	if found.Variables, err = environment.Change(c.key, u.Name, nil, app.EnvironmentChange{Set: u.Environment}); err != nil {
		return app.App{}, environment.OpenEnvironment{}, problem.AtField("environment", err)
	}
	environment, err := c.releases.Open(u.Name, found.Variables)
	return found, environment, err
}

func newRelease(name app.Name, from *uploads.Archive, by string) app.Release {
	now := time.Now()
	return app.Release{
		ReleaseID: app.ReleaseID{App: name}, Cause: app.CauseUpload, State: app.ReleaseQueued, Steps: []app.Step{{State: app.ReleaseQueued, At: now}},
		Archive: from.File(), ArchiveName: from.Name, ArchiveBytes: from.Bytes, ArchiveSHA256: from.SHA256,
		CreatedBy: by, CreatedAt: now,
	}
}

// claimProblem words a rule of the ledger for the person.
func claimProblem(err error, found app.App) error {
	switch {
	case errors.Is(err, problem.ErrNameTaken):
		return problem.Conflict(
			fmt.Sprintf("There is an app called %s already.", found.Name),
			"Choose another name, or send the archive as an update on that app's page.",
		).At("name").Because(err)
	case errors.Is(err, app.ErrHostRedirects):
		return routing.Problem(err, found)
	case errors.Is(err, app.ErrRouteTaken):
		return routing.TakenProblem(err, found)
	case errors.Is(err, app.ErrUnderWay):
		return problem.Conflict(
			fmt.Sprintf("A release of %s is under way.", found.Name),
			"Wait until it is live or has failed, or cancel it on its page.",
		).Because(err)
	case errors.Is(err, app.ErrStale):
		return problem.Conflict(
			fmt.Sprintf("The environment of %s was changed by another in the same moment.", found.Name),
			"Look at what it is now, and send yours again.",
		).Because(err)
	case errors.Is(err, problem.ErrNotFound):
		return app.Missing(found.Name, err)
	default:
		return err
	}
}
