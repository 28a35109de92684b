package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/docker"
	"berth/controller/pause"
)

const (
	watchRetry = time.Second
	// freshRestart is how recent a restart must be for an app to count as crashing.
	freshRestart = time.Minute
)

// watchLoop turns the engine's events into passes of the reconciler, which
// observes and repairs. When the engine goes away it waits for it. What happens
// to an instance of a release that is being shipped is the shipment's business:
// a pass in the middle would only take the engine's time from it.
func (c *Controller) watchLoop(ctx context.Context) error {
	for {
		err := c.engine.Watch(ctx, func(event docker.Event) {
			if !c.shipping.has(ReleaseID{App: AppName(event.App), Number: event.Release}) {
				c.requestReconcile()
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.logger.Warn("the engine's event stream ended", "error", err)
		if err := pause.For(ctx, watchRetry); err != nil {
			return err
		}
		c.requestReconcile()
	}
}

// observeLive looks at an app's live instances and keeps what it sees in the ledger.
func (c *Controller) observeLive(ctx context.Context, live Release) {
	app, err := c.ledger.FindApp(ctx, live.App)
	if err != nil {
		return
	}
	var seen observation
	for _, run := range live.Runs() {
		for _, name := range run.Instances {
			found, err := c.engine.Inspect(ctx, name)
			seen.add(live, run, found, err)
		}
	}
	c.keepSeen(ctx, app, seen)
}

// keepSeen keeps what was seen of the app's services, and of the app.
func (c *Controller) keepSeen(ctx context.Context, app App, seen observation) {
	c.seen.enter(app.Name, seen.services)
	c.keepObserved(ctx, app, seen.worst)
}

// observation is what was seen of an app's instances: the worst of all, and of each
// service where there are several.
type observation struct {
	worst    Observed
	services map[string]Observed
}

// severity puts the states in order, the worst last.
var severity = []AppState{AppRunning, AppUnhealthy, AppCrashing, AppDown}

func (o *observation) add(live Release, run ServiceRun, instance docker.Instance, err error) {
	seen := observedFrom(instance, err)
	if err == nil && run.done(instance.Condition) && live.Composed() {
		seen = Observed{State: AppRunning, At: seen.At}
	}
	if len(live.Services) > 1 {
		if o.services == nil {
			o.services = make(map[string]Observed)
		}
		if seen.worseThan(o.services[run.Spec.Name]) {
			o.services[run.Spec.Name] = seen
		}
	}
	if seen.worseThan(o.worst) {
		seen.Detail = live.detail(run, seen.Detail)
		o.worst = seen
	}
}

func (o Observed) worseThan(other Observed) bool {
	return slices.Index(severity, o.State) > slices.Index(severity, other.State)
}

// detail says which service it is about, where there are several.
func (r Release) detail(run ServiceRun, text string) string {
	if len(r.Services) < 2 || text == "" {
		return text
	}
	return run.Spec.Name + ": " + text
}

// keepObserved keeps in the ledger what was seen of an app, if it is news.
func (c *Controller) keepObserved(ctx context.Context, app App, seen Observed) {
	if app.Wanted == WantedStopped {
		seen = Observed{State: AppStopped, At: time.Now()}
		if app.Observed.State == AppStopped {
			seen.Detail = app.Observed.Detail // why Berth has stopped it
		}
	}
	if seen.State != app.Observed.State || seen.Detail != app.Observed.Detail {
		c.observe(ctx, app.Name, seen)
	}
}

func (c *Controller) observe(ctx context.Context, name AppName, seen Observed) {
	if err := c.ledger.UpdateObserved(ctx, name, seen); err != nil {
		c.logger.Warn("record observed state", "app", string(name), "error", err)
		return
	}
	c.notices.notify(name)
}

func observedFrom(instance docker.Instance, err error) Observed {
	now := time.Now()
	condition := instance.Condition
	switch {
	case errors.Is(err, docker.ErrNotFound):
		return Observed{State: AppDown, Detail: "Its container is gone; it is being made again.", At: now}
	case err != nil:
		return Observed{State: AppDown, Detail: "The engine does not answer.", At: now}
	case condition.OOMKilled && condition.Restarts > 0:
		return Observed{State: AppCrashing, Detail: "It ran out of memory and was started again.", At: now}
	case condition.Restarting:
		return Observed{State: AppCrashing, Detail: fmt.Sprintf("It ended with exit code %d and is started again; restarts so far: %d.", condition.ExitCode, condition.Restarts), At: now}
	case condition.Restarts > 0 && now.Sub(condition.StartedAt) < freshRestart:
		// While it runs, the engine does not tell how the run before ended.
		return Observed{State: AppCrashing, Detail: fmt.Sprintf("It ended and was started again; restarts so far: %d.", condition.Restarts), At: now}
	case !condition.Running:
		return Observed{State: AppDown, Detail: fmt.Sprintf("It ended with exit code %d.", condition.ExitCode), At: now}
	case condition.Health == "unhealthy":
		return Observed{State: AppUnhealthy, Detail: "Its own health check fails.", At: now}
	default:
		return Observed{State: AppRunning, Detail: "", At: now}
	}
}
