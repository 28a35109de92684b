package controller

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/controller/environment"
	"berth/controller/problem"
)

// Environment returns what was saved for the app; a missing app is a Problem of problem.KindNotFound.
func (c *Controller) Environment(ctx context.Context, name app.Name) (environment.Environment, error) {
	app, err := c.findApp(ctx, name)
	if err != nil {
		return environment.Environment{}, err
	}
	return c.environment(ctx, app)
}

// UpdateEnvironment saves a change of the app's environment, and returns what was
// saved. What runs stays as it is until ApplyEnvironment or an upload. Problems name
// the fields name, value, delivery or keep_secrets.
func (c *Controller) UpdateEnvironment(ctx context.Context, name app.Name, change app.EnvironmentChange) (environment.Environment, error) {
	found, err := c.findApp(ctx, name)
	if err != nil {
		return environment.Environment{}, err
	}
	number, before, err := c.ledger.FindEnvironment(ctx, name)
	if err != nil {
		return environment.Environment{}, claimProblem(err, found)
	}
	after, err := c.changeEnvironment(name, before, change)
	if err != nil {
		return environment.Environment{}, err
	}
	if !slices.EqualFunc(before, after, app.Variable.Equal) {
		if err := c.ledger.UpdateEnvironment(ctx, name, number, after); err != nil {
			return environment.Environment{}, claimProblem(err, found)
		}
		c.notices.notify(name)
	}
	return c.environment(ctx, found)
}

// ApplyEnvironment queues a release that runs the live image with the environment
// and the settings that were saved, without a build and without a gap. The zero
// Release says that nothing was to be done: what runs has it already, or nothing
// runs, and the next upload takes it.
func (c *Controller) ApplyEnvironment(ctx context.Context, name app.Name, by string) (app.Release, error) {
	found, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return app.Release{}, err
	}
	defer unlock()
	saved, err := c.environment(ctx, found)
	if err != nil || found.Live == 0 || saved.Unapplied() == 0 {
		return app.Release{}, err
	}
	wish := rerunOf(live, by)
	wish.Services, wish.Archive = live.Again(found.Settings), live.Archive
	wish.Settings, wish.Mounts, wish.NewEnvironment = found.Settings, found.Mounts, true
	if live.Composed() {
		if err := c.planAgain(ctx, found, &wish); err != nil {
			return app.Release{}, err
		}
	}
	return c.queueRerun(ctx, found, wish)
}

// planAgain lets the release be planned anew from the archive of the live one: what a
// compose file says depends on the variables. Its images come from the build cache.
func (c *Controller) planAgain(ctx context.Context, app app.App, wish *app.Release) error {
	if wish.Archive == "" {
		return problem.Conflict(
			"The archive of what runs is not kept any more, and its compose file has to be read again with the new variables.",
			"Upload the archive as an update: it takes the variables as they are saved.",
		)
	}
	environment, err := c.openSavedEnvironment(ctx, app.Name)
	if err != nil {
		return err
	}
	if _, err := c.examine(ctx, wish.Archive, app, environment.Options(app.Settings)); err != nil {
		return err
	}
	wish.Image, wish.Services = "", nil
	return nil
}

// environment compares what was saved with what runs.
func (c *Controller) environment(ctx context.Context, found app.App) (environment.Environment, error) {
	_, saved, err := c.ledger.FindEnvironment(ctx, found.Name)
	if err != nil {
		return environment.Environment{}, claimProblem(err, found)
	}
	shown := environment.Environment{Live: found.Live, Variables: make([]environment.VariableView, 0, len(saved))}
	var running []app.Variable
	if found.Live != 0 {
		if running, err = c.ledger.FindEnvironmentOf(ctx, app.ReleaseID{App: found.Name, Number: found.Live}); err != nil {
			return environment.Environment{}, claimProblem(err, found)
		}
	}
	for _, variable := range saved {
		was := app.Find(running, variable.Name)
		view := environment.VariableView{
			Name: variable.Name, Value: variable.Value, Secret: variable.Secret(), File: variable.File,
			Warning: app.VariableWarning(variable.Name), Unapplied: !variable.Equal(was),
		}
		shown.Variables = append(shown.Variables, view)
		switch {
		case was.Name == "":
			shown.Added = append(shown.Added, variable.Name)
		case view.Unapplied:
			shown.Changed = append(shown.Changed, variable.Name)
		}
	}
	for _, variable := range running {
		if app.Find(saved, variable.Name).Name == "" {
			shown.Removed = append(shown.Removed, variable.Name)
		}
	}
	return shown, nil
}

// openSavedEnvironment opens the secrets that the next upload of an app gets.
func (c *Controller) openSavedEnvironment(ctx context.Context, app app.Name) (environment.OpenEnvironment, error) {
	_, kept, err := c.ledger.FindEnvironment(ctx, app)
	if err != nil {
		return environment.OpenEnvironment{}, err
	}
	return c.releases.Open(app, kept)
}
