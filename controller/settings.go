package controller

import (
	"context"

	"berth/controller/app"
	"berth/controller/problem"
)

// SettingsRange returns the least and the most of each limit that ParseSettings
// takes; the most is the operator's maximum.
func (c *Controller) SettingsRange() (least, most app.SettingsForm) {
	return app.SettingsOf(app.LeastLimits()).Form(), app.SettingsOf(c.most).Form()
}

// ParseSettings returns the settings that a person typed, or Problems, one for
// each field that is wrong: port, memory, cpu, processes, database_services, or a
// waiver that the operator forbids.
func (c *Controller) ParseSettings(form app.SettingsForm) (app.Settings, error) {
	port, err := app.ParsePort(form.Port)
	parsed, wrong := app.ParseLimits(form, c.most)
	parsed.Port = port
	problems := append(problem.Problems{}.With(err), wrong...)
	problems = problems.With(c.checkWaivers(parsed))
	if len(problems) > 0 {
		return app.Settings{}, problems
	}
	return parsed, nil
}

// UpdateSettings gives the app settings that ParseSettings returned. Where its
// live release runs with others, it queues a release that runs the same image
// with these, without a build and without a gap; else there is nothing to run,
// and the zero Release is returned. Fallback alone is for the next upload: it is
// part of the image.
func (c *Controller) UpdateSettings(ctx context.Context, name app.Name, settings app.Settings, by string) (app.Release, error) {
	return c.rerun(ctx, name, by, func(found app.App, live app.Release) (rerun, error) {
		if found.Live != 0 && live.Settings.Run() != settings.Run() {
			return rerun{of: live, cause: app.CauseSettings, settings: settings, mounts: found.Mounts}, nil
		}
		if found.Settings == settings {
			return rerun{}, nil
		}
		err := c.ledger.UpdateSettings(ctx, name, settings)
		c.notices.Notify(name)
		if err == nil {
			c.recordWaivers(ctx, found, settings, by)
		}
		return rerun{}, claimProblem(err, found)
	})
}
