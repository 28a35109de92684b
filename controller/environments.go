package controller

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/controller/environment"
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
	after, err := environment.Change(c.key, name, before, change)
	if err != nil {
		return environment.Environment{}, err
	}
	if !slices.EqualFunc(before, after, app.Variable.Equal) {
		if err := c.ledger.UpdateEnvironment(ctx, name, number, after); err != nil {
			return environment.Environment{}, claimProblem(err, found)
		}
		c.notices.Notify(name)
	}
	return c.environment(ctx, found)
}

// ApplyEnvironment queues a release that runs the live image with the environment
// and the settings that were saved, without a build and without a gap. The zero
// Release says that nothing was to be done: what runs has it already, or nothing
// runs, and the next upload takes it.
func (c *Controller) ApplyEnvironment(ctx context.Context, name app.Name, by string) (app.Release, error) {
	return c.rerun(ctx, name, by, func(found app.App, live app.Release) (rerun, error) {
		saved, err := c.environment(ctx, found)
		if err != nil || saved.Unapplied() == 0 {
			return rerun{}, err
		}
		return rerun{of: live, cause: app.CauseEnvironment, settings: found.Settings, mounts: found.Mounts}, nil
	})
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
			Name: variable.Name, Value: variable.Value, Secret: variable.Secret(), File: variable.File, Build: variable.Build,
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
