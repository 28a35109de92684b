package controller

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
)

// tailAll passes on what all instances of a release print, each line with the name
// of its service before it. What was printed before comes in order; what is printed
// from now on comes as it comes.
func (c *Controller) tailAll(ctx context.Context, release app.Release, o docker.TailOptions, masked *environment.Mask, each func(docker.Line) error) error {
	if o.Follow {
		return c.followAll(ctx, release, o, masked, each)
	}
	var lines []docker.Line
	for _, run := range release.Runs() {
		for _, instance := range run.Instances {
			err := gone(c.engine.Tail(ctx, instance, o, masked.Lines(named(run, func(line docker.Line) error {
				lines = append(lines, line)
				return nil
			}))))
			if err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b docker.Line) int { return a.At.Compare(b.At) })
	if o.Lines >= 0 && len(lines) > o.Lines {
		lines = lines[len(lines)-o.Lines:]
	}
	for _, line := range lines {
		if err := each(line); err != nil {
			return err
		}
	}
	return nil
}

// followAll tails every instance at once. An error of each ends all of them.
func (c *Controller) followAll(ctx context.Context, release app.Release, o docker.TailOptions, masked *environment.Mask, each func(docker.Line) error) error {
	var mu sync.Mutex
	following, ctx := errgroup.WithContext(ctx)
	for _, run := range release.Runs() {
		for _, instance := range run.Instances {
			following.Go(func() error {
				return gone(c.engine.Tail(ctx, instance, o, masked.Lines(named(run, func(line docker.Line) error {
					mu.Lock()
					defer mu.Unlock()
					return each(line)
				}))))
			})
		}
	}
	return following.Wait()
}

// named puts the name of the service before each line.
func named(run app.ServiceRun, each func(docker.Line) error) func(docker.Line) error {
	return func(line docker.Line) error {
		line.Text = run.Spec.Name + ": " + line.Text
		return each(line)
	}
}

// OutputAfter passes on what the app's instances print from behind the cursor on,
// until each returns an error or ctx ends. The error is docker.ErrCursor where the
// cursor stands in none of the instances that run now.
func (c *Controller) OutputAfter(ctx context.Context, name app.Name, after docker.Cursor, each func(docker.Line) error) error {
	found, err := c.findApp(ctx, name)
	if err != nil {
		return err
	}
	if found.Live == 0 {
		return docker.ErrCursor
	}
	live, err := c.Release(ctx, app.ReleaseID{App: name, Number: found.Live})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(live.Instances, after.Knows) {
		return docker.ErrCursor
	}
	environment, err := c.releases.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return err
	}
	masked, err := c.maskOf(live, environment)
	if err != nil {
		return err
	}
	return c.followAfter(ctx, live, after, masked, each)
}

// followAfter tails every instance at once, each from behind the cursor on.
func (c *Controller) followAfter(ctx context.Context, release app.Release, after docker.Cursor, masked *environment.Mask, each func(docker.Line) error) error {
	var mu sync.Mutex
	following, ctx := errgroup.WithContext(ctx)
	for _, run := range release.Runs() {
		for _, instance := range run.Instances {
			pass := func(line docker.Line) error {
				mu.Lock()
				defer mu.Unlock()
				return each(line)
			}
			if len(release.Instances) > 1 {
				pass = named(run, pass)
			}
			following.Go(func() error {
				// The mask sees every line, so that a secret which two lines share is one.
				o := docker.TailOptions{Lines: -1, Follow: true, Since: after.Since(instance)}
				return gone(c.engine.Tail(ctx, instance, o, masked.Lines(after.Rest(instance, pass))))
			})
		}
	}
	return following.Wait()
}

// gone drops the error about an instance that is not there any more.
func gone(err error) error {
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	return err
}

// maskOf is the mask of what a release prints.
func (c *Controller) maskOf(release app.Release, environment environment.OpenEnvironment) (*environment.Mask, error) {
	if !release.Composed() {
		return environment.Mask, nil
	}
	var specs []plan.Service
	for _, run := range release.Services {
		spec, err := c.releases.Unsealed(release.App, run.Spec)
		if err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return environment.MaskWith(specs), nil
}
