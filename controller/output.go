package controller

import (
	"context"
	"slices"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/output"
)

// Output passes on what an app's live instances print: the last lines, and the
// new ones as they come where follow is set, until each returns an error or ctx ends.
// The secrets of the release are masked.
func (c *Controller) Output(ctx context.Context, name app.Name, lines int, follow bool, each func(docker.Line) error) error {
	live, err := c.liveOf(ctx, name)
	if err != nil || live.Number == 0 {
		return err
	}
	masked, err := c.releases.MaskOf(ctx, live)
	if err != nil {
		return err
	}
	return output.Reader{Engine: c.engine}.Tail(ctx, live, docker.TailOptions{Lines: lines, Follow: follow}, masked, each)
}

// OutputAfter passes on what the app's instances print from behind the cursor on,
// until each returns an error or ctx ends. The error is docker.ErrCursor where the
// cursor stands in none of the instances that run now.
func (c *Controller) OutputAfter(ctx context.Context, name app.Name, after docker.Cursor, each func(docker.Line) error) error {
	live, err := c.liveOf(ctx, name)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(live.Instances, after.Knows) {
		return docker.ErrCursor
	}
	masked, err := c.releases.MaskOf(ctx, live)
	if err != nil {
		return err
	}
	return output.Reader{Engine: c.engine}.After(ctx, live, after, masked, each)
}

// liveOf returns the live release of an app, or the zero Release where there is none.
func (c *Controller) liveOf(ctx context.Context, name app.Name) (app.Release, error) {
	found, err := c.findApp(ctx, name)
	if err != nil || found.Live == 0 {
		return app.Release{}, err
	}
	return c.Release(ctx, app.ReleaseID{App: name, Number: found.Live})
}
