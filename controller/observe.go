package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/readiness"
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
		err := c.reconciler.Engine.Watch(ctx, func(event docker.Event) {
			c.quiet.Hear(event.Name)
			if !c.releases.Has(app.ReleaseID{App: app.Name(event.App), Number: event.Release}) {
				c.requestReconcile()
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.quiet.Forget()
		c.logger.Warn("the engine's event stream ended", "error", err)
		if err := pause.For(ctx, watchRetry); err != nil {
			return err
		}
		c.requestReconcile()
	}
}

// observeLive looks at an app's live instances and keeps what it sees in the ledger.
func (c *Controller) observeLive(ctx context.Context, live app.Release) {
	app, err := c.ledger.FindApp(ctx, live.App)
	if err != nil {
		return
	}
	var seen observation
	for _, run := range live.Services {
		if halted := app.Halts(run); halted != nil {
			seen.halt(live, *halted)
			continue
		}
		for _, name := range run.Instances {
			found, err := c.engine.Inspect(ctx, name)
			seen.add(live, run, c.showable(ctx, live, found), err)
		}
	}
	c.keepSeen(ctx, app, seen)
}

// showable masks what the health check of an instance printed.
func (c *Controller) showable(ctx context.Context, live app.Release, instance docker.Instance) docker.Instance {
	condition := &instance.Condition
	if condition.Health != "unhealthy" || condition.HealthOutput == "" {
		return instance
	}
	mask, err := c.releases.MaskOf(ctx, live)
	if err != nil {
		c.logger.Warn("mask output of health check", "release", live.String(), "error", err)
		condition.HealthRan, condition.HealthOutput = false, ""
		return instance
	}
	condition.HealthOutput = mask.Apply(condition.HealthOutput)
	return instance
}

// keepSeen keeps what was seen of the app's services, and of the app.
func (c *Controller) keepSeen(ctx context.Context, app app.App, seen observation) {
	c.seen.enter(app.Name, seen.services)
	c.keepObserved(ctx, app, seen.all())
}

// observation is what was seen of an app's instances: the worst of all, and of each
// service where there are several.
type observation struct {
	worst    app.Observed
	services map[string]app.Observed
	halted   []app.HaltedService
}

func (o *observation) add(live app.Release, run app.ServiceRun, instance docker.Instance, err error) {
	seen := observedFrom(instance, err)
	if err == nil && run.Done(instance.Condition) {
		seen = app.Observed{State: app.Running, At: seen.At}
	}
	if len(live.Services) > 1 {
		if o.services == nil {
			o.services = make(map[string]app.Observed)
		}
		if seen.WorseThan(o.services[run.Spec.Name]) {
			o.services[run.Spec.Name] = seen
		}
	}
	if seen.WorseThan(o.worst) {
		seen.Detail = live.Detail(run, seen.Detail)
		o.worst = seen
	}
}

// halt notes a service that Berth has stopped. An app whose main service it is does
// not answer; any other goes on without what it did.
func (o *observation) halt(live app.Release, halted app.HaltedService) {
	seen := app.Observed{State: app.Stopped, Detail: halted.Reason, At: time.Now()}
	if len(live.Services) > 1 {
		if o.services == nil {
			o.services = make(map[string]app.Observed)
		}
		o.services[halted.Service] = seen
	}
	o.halted = append(o.halted, halted)
	if !halted.Main {
		seen.State = app.Unhealthy
	}
	if seen.Detail = ""; seen.WorseThan(o.worst) {
		seen.Detail = o.worst.Detail
		o.worst = seen
	}
}

// all is what was seen of the app: first what Berth has stopped, since what else is
// wrong may come of it.
func (o *observation) all() app.Observed {
	if len(o.halted) == 0 {
		return o.worst
	}
	var names []string
	for _, halted := range o.halted {
		names = append(names, halted.Service)
	}
	seen := o.worst
	seen.Detail = strings.TrimSpace(fmt.Sprintf("Stopped: %s. %s %s", app.NameList(names), haltReasons(o.halted), seen.Detail))
	return seen
}

// keepObserved keeps in the ledger what was seen of an app, if it is news.
func (c *Controller) keepObserved(ctx context.Context, found app.App, seen app.Observed) {
	if found.Wanted == app.WantedStopped {
		seen = app.Observed{State: app.Stopped, At: time.Now()}
		if found.Observed.State == app.Stopped {
			seen.Detail = found.Observed.Detail
		}
		if reasons := haltReasons(found.Halted); reasons != "" {
			seen.Detail = reasons // why Berth has stopped it
		}
	}
	if seen.State != found.Observed.State || seen.Detail != found.Observed.Detail {
		c.observe(ctx, found.Name, seen)
	}
}

func (c *Controller) observe(ctx context.Context, name app.Name, seen app.Observed) {
	if err := c.reconciler.Ledger.UpdateObserved(ctx, name, seen); err != nil {
		c.logger.Warn("record observed state", "app", string(name), "error", err)
		return
	}
	c.notices.Notify(name)
}

func observedFrom(instance docker.Instance, err error) app.Observed {
	now := time.Now()
	condition := instance.Condition
	switch {
	case errors.Is(err, docker.ErrNotFound):
		return app.Observed{State: app.Down, Detail: "Its container is gone; it is being made again.", At: now}
	case err != nil:
		return app.Observed{State: app.Down, Detail: "The engine does not answer.", At: now}
	case condition.OOMKilled && condition.Restarts > 0:
		return app.Observed{State: app.Crashing, Detail: "It " + app.OutOfMemory + " and was started again.", At: now}
	case condition.Restarting:
		return app.Observed{State: app.Crashing, Detail: fmt.Sprintf("It ended with exit code %d and is started again; restarts so far: %d.", condition.ExitCode, condition.Restarts), At: now}
	case condition.Restarts > 0 && now.Sub(condition.StartedAt) < freshRestart:
		// While it runs, the engine does not tell how the run before ended.
		return app.Observed{State: app.Crashing, Detail: fmt.Sprintf("It ended and was started again; restarts so far: %d.", condition.Restarts), At: now}
	case !condition.Running:
		return app.Observed{State: app.Down, Detail: fmt.Sprintf("It "+app.EndedWithCode+" %d.", condition.ExitCode), At: now}
	case condition.Health == "unhealthy":
		return app.Observed{State: app.Unhealthy, Detail: readiness.Failing(condition), At: now}
	default:
		return app.Observed{State: app.Running, Detail: "", At: now}
	}
}
