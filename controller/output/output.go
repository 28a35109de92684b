// Package output reads what the instances of a release print: in order, masked, and each
// line with the name of its service where there are several.
package output

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
)

// Engine tails one instance.
type Engine interface {
	Tail(ctx context.Context, name string, o docker.TailOptions, each func(docker.Line) error) error
}

// Reader reads the output of releases from an engine.
type Reader struct{ Engine Engine }

// Tail passes on what all instances of a release print, each line with the name
// of its service before it. What was printed before comes in order; what is printed
// from now on comes as it comes.
func (r Reader) Tail(ctx context.Context, release app.Release, o docker.TailOptions, masked *environment.Mask, each func(docker.Line) error) error {
	if len(release.Instances) == 1 {
		return gone(r.Engine.Tail(ctx, release.Instances[0], o, masked.Lines(each)))
	}
	if o.Follow {
		return follow(ctx, release, each, func(ctx context.Context, instance string, pass func(docker.Line) error) error {
			return r.Engine.Tail(ctx, instance, o, masked.Lines(pass))
		})
	}
	var lines []docker.Line
	for _, run := range release.Services {
		for _, instance := range run.Instances {
			err := gone(r.Engine.Tail(ctx, instance, o, masked.Lines(named(run, func(line docker.Line) error {
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

// follow tails every instance at once, by tail. It passes one line at a time on to each,
// with the name of its service before it where there are several instances. An error of
// each ends all of them.
func follow(ctx context.Context, release app.Release, each func(docker.Line) error, tail func(ctx context.Context, instance string, pass func(docker.Line) error) error) error {
	var mu sync.Mutex
	following, ctx := errgroup.WithContext(ctx)
	for _, run := range release.Services {
		for _, instance := range run.Instances {
			pass := func(line docker.Line) error {
				mu.Lock()
				defer mu.Unlock()
				return each(line)
			}
			if len(release.Instances) > 1 {
				pass = named(run, pass)
			}
			following.Go(func() error { return gone(tail(ctx, instance, pass)) })
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

// After passes on what the instances print from behind the cursor on, until each returns
// an error or ctx ends.
func (r Reader) After(ctx context.Context, release app.Release, after docker.Cursor, masked *environment.Mask, each func(docker.Line) error) error {
	return follow(ctx, release, each, func(ctx context.Context, instance string, pass func(docker.Line) error) error {
		// The mask sees every line, so that a secret which two lines share is one.
		o := docker.TailOptions{Lines: -1, Follow: true, Since: after.Since(instance)}
		return r.Engine.Tail(ctx, instance, o, masked.Lines(after.Rest(instance, pass)))
	})
}

// gone drops the error about an instance that is not there any more.
func gone(err error) error {
	if errors.Is(err, docker.ErrNotFound) {
		return nil
	}
	return err
}
