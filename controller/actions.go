package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

// actionTimeout bounds what one click may take, besides the time that instances have to
// end; the reconciler finishes what is left.
const actionTimeout = time.Minute

// ErrStillRemoving says that an app is wanted deleted, and that something of it is there
// yet: the engine did not let go of it. The reconciler goes on.
var ErrStillRemoving = errors.New("the app is not removed in full yet")

// Start makes a stopped app run again, in place of the page. Where the engine lost its
// images, as after a restore, a release makes them again first.
func (c *Controller) Start(ctx context.Context, name app.Name) error {
	lost := false
	err := c.act(ctx, name, func(ctx context.Context, live app.Release) (err error) {
		if err := c.volumes.CheckRoom(ctx, live); err != nil {
			return err
		}
		if lost, err = c.lostImages(ctx, live); err != nil || lost {
			return err
		}
		if err := c.ledger.UpdateWanted(ctx, name, app.WantedRunning); err != nil {
			return err
		}
		if err := c.resumeAll(ctx, live); err != nil {
			c.requestReconcile() // it may be gone, and is made again then
			return fmt.Errorf("start %s: %w", name, err)
		}
		return c.routes.Publish(ctx)
	})
	if err == nil && lost {
		err = c.startLost(ctx, name)
	}
	return err
}

// resumeAll starts the instances of a release in the order of its services, but for
// those that have run and are not to run again.
func (c *Controller) resumeAll(ctx context.Context, live app.Release) error {
	for _, run := range live.Services {
		for _, name := range run.Instances {
			if c.hasRun(ctx, run, name) {
				continue
			}
			if err := c.engine.Resume(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasRun reports whether an instance is one that runs once, and did.
func (c *Controller) hasRun(ctx context.Context, run app.ServiceRun, name string) bool {
	if run.Spec.Restart.Mode != plan.Never {
		return false
	}
	instance, err := c.engine.Inspect(ctx, name)
	return err == nil && run.Done(instance.Condition)
}

// Stop lets a page stand in place of the app and stops it. It stays stopped, over restarts
// of the machine too, until Start or a new release.
func (c *Controller) Stop(ctx context.Context, name app.Name) error {
	return c.act(ctx, name, func(ctx context.Context, live app.Release) error {
		return c.stopLive(ctx, live)
	})
}

// stopLive is Stop under the app's lock.
func (c *Controller) stopLive(ctx context.Context, live app.Release) error {
	if err := c.ledger.UpdateWanted(ctx, live.App, app.WantedStopped); err != nil {
		return err
	}
	if err := c.routes.Publish(ctx); err != nil {
		return err
	}
	for _, instance := range slices.Backward(live.Instances) {
		if err := c.engine.Stop(ctx, instance, live.GraceOf(instance)); err != nil {
			c.requestReconcile()
			return fmt.Errorf("stop %s: %w", live.App, err)
		}
	}
	return nil
}

// Restart stops and starts the app's processes; for that moment it does not answer.
func (c *Controller) Restart(ctx context.Context, name app.Name) error {
	return c.act(ctx, name, func(ctx context.Context, live app.Release) error {
		if err := c.volumes.CheckRoom(ctx, live); err != nil {
			return err
		}
		if err := c.ledger.UpdateWanted(ctx, name, app.WantedRunning); err != nil {
			return err
		}
		c.routes.BeginReplacement(ctx, live, live.MainRun().Instances)
		defer c.routes.EndReplacement(ctx, name)
		for _, run := range live.Services {
			for _, instance := range run.Instances {
				if c.hasRun(ctx, run, instance) {
					continue
				}
				if err := c.engine.Restart(ctx, instance, live.GraceOf(instance)); err != nil {
					c.requestReconcile()
					return fmt.Errorf("restart %s: %w", name, err)
				}
			}
		}
		return c.routes.Publish(ctx)
	})
}

// Delete removes the app with its containers, images, network, files, rows and
// route. confirm must be the name of the app. ErrStillRemoving says that it takes longer.
func (c *Controller) Delete(ctx context.Context, name app.Name, confirm string) error {
	if _, err := c.findApp(ctx, name); err != nil {
		return err
	}
	if confirm != string(name) {
		return problem.Invalid(
			fmt.Sprintf("That is not the name of the app, so %s was not deleted.", name),
			fmt.Sprintf("Type %s to delete it.", name),
		).At("confirm")
	}
	// From here on it is promised: a crash in the middle is finished by the reconciler.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTimeout)
	defer cancel()
	if err := c.ledger.UpdateWanted(ctx, name, app.WantedDeleted); err != nil {
		return err
	}
	c.notices.Notify(name)
	if err := c.removeApp(ctx, name); err != nil {
		c.requestReconcile()
		return fmt.Errorf("%w: %w", ErrStillRemoving, err)
	}
	return nil
}

// RemoveApp removes every trace of an app that is wanted deleted; the row goes last.
func (c *Controller) removeApp(ctx context.Context, name app.Name) error {
	releases, err := c.ledger.ListReleases(ctx, name)
	if err != nil {
		return problem.IgnoreMissing(err) // somebody else has just finished it
	}
	if deleted, err := c.wantedDeleted(ctx, name); err != nil || !deleted {
		return err
	}
	for _, release := range releases {
		if !release.State.UnderWay() {
			continue
		}
		if err := c.releases.CancelAndWait(ctx, release.ReleaseID); err != nil {
			return err
		}
	}
	unlock, err := c.apps.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	// Who had the lock before may have removed it, and another app may have its name by now.
	if deleted, err := c.wantedDeleted(ctx, name); err != nil || !deleted {
		return err
	}
	if err := c.routes.Publish(ctx); err != nil {
		return err
	}
	if err := c.engine.RemoveApp(ctx, string(name)); err != nil {
		return fmt.Errorf("remove %s from the engine: %w", name, err)
	}
	if err := c.releases.RemoveLogs(name); err != nil {
		return err
	}
	for _, release := range releases {
		if release.Archive != "" {
			c.uploads.Remove(release.Archive)
		}
	}
	c.usage.Forget(name)
	c.seen.enter(name, nil)
	if err := c.reconciler.Ledger.DeleteApp(ctx, name); err != nil && !errors.Is(err, problem.ErrNotFound) {
		return err
	}
	c.notices.Notify(name)
	return nil
}

func (c *Controller) wantedDeleted(ctx context.Context, name app.Name) (bool, error) {
	found, err := c.ledger.FindApp(ctx, name)
	return err == nil && found.Wanted == app.WantedDeleted, problem.IgnoreMissing(err)
}

// act runs one action on the live release of an app, under the app's lock, and
// observes the outcome. The browser going away does not stop it half-way.
func (c *Controller) act(ctx context.Context, name app.Name, action func(context.Context, app.Release) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTimeout)
	defer cancel()
	unlock, err := c.apps.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := c.findApp(ctx, name)
	if err != nil {
		return err
	}
	if found.Live == 0 || found.Wanted == app.WantedDeleted {
		return problem.Conflict(
			fmt.Sprintf("The app %s has no live release.", name),
			"Send an archive as an update on its page first.",
		)
	}
	live, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: name, Number: found.Live})
	if err != nil {
		return err
	}
	if c.releases.IsDisplaced(live.Instances...) {
		return busyReplacing(name)
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), actionTimeout+live.Graces())
	defer cancel()
	err = action(ctx, live)
	c.observeLive(ctx, live)
	return err
}
