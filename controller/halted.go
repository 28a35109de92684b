package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
)

// volumeApps is volumes.Apps: what the watch over volumes asks of the controller.
type volumeApps struct{ controller *Controller }

// Halt stops what a volume is too full for, and records it.
func (a volumeApps) Halt(ctx context.Context, halt volumes.Halt) error {
	c := a.controller
	if err := c.halt(ctx, halt); err != nil {
		return err
	}
	c.logger.Warn("stopped what fills the disk", "app", string(halt.App), "services", halt.Services, "reason", halt.Reason)
	c.audit.Record(ctx, audit.Event{
		Action: audit.ActionAppStop, Resource: "app " + string(halt.App), Success: true, Account: "Berth", Detail: haltWords(halt.Services) + halt.Reason,
	})
	return nil
}

// Reword is rewordHalted.
func (a volumeApps) Reword(ctx context.Context, name app.Name, of volume.Name, reason string) error {
	return a.controller.rewordHalted(ctx, name, of, reason)
}

// halt stops the services of an app that write into a volume, and lets the others go on.
// An app of which nothing else is left is stopped whole.
func (c *Controller) halt(ctx context.Context, halt volumes.Halt) error {
	return c.act(ctx, halt.App, func(ctx context.Context, live app.Release) error {
		found, err := c.ledger.FindApp(ctx, halt.App)
		if err != nil {
			return err
		}
		halted, others := found.Halted, false
		for _, run := range live.Services {
			switch {
			case found.Halts(run) != nil:
			case slices.Contains(halt.Services, run.Spec.Name):
				halted = append(halted, app.HaltedService{Service: run.Spec.Name, Main: run.Main, Volume: halt.Volume, Reason: halt.Reason})
			default:
				others = others || run.Spec.Restart.Mode != plan.Never
			}
		}
		if !others {
			return c.haltAll(ctx, live, halted)
		}
		return c.haltSome(ctx, live, halted)
	})
}

// haltAll is a stop of the whole app with its reason.
func (c *Controller) haltAll(ctx context.Context, live app.Release, halted []app.HaltedService) error {
	// First, so that it is kept where an instance does not stop at once.
	c.observe(ctx, live.App, app.Observed{State: app.Stopped, Detail: haltReasons(halted), At: time.Now()})
	err := c.stopLive(ctx, live)
	if found, find := c.ledger.FindApp(ctx, live.App); find != nil || found.Wanted != app.WantedStopped {
		return err
	}
	if keep := c.reconciler.Ledger.UpdateHalted(ctx, live.App, halted); keep != nil {
		c.logger.Error("keep why an app was stopped", "app", string(live.App), "error", keep)
	}
	return err
}

// haltSome stops the instances of halted services; the reconciler leaves them so.
func (c *Controller) haltSome(ctx context.Context, live app.Release, halted []app.HaltedService) error {
	if err := c.reconciler.Ledger.UpdateHalted(ctx, live.App, halted); err != nil {
		return err
	}
	if err := c.routes.Publish(ctx); err != nil { // a page stands in place of the main service
		return err
	}
	app := app.App{Halted: halted}
	for _, run := range slices.Backward(live.Services) {
		if app.Halts(run) == nil {
			continue
		}
		for _, instance := range run.Instances {
			if err := c.engine.Stop(ctx, instance, live.GraceOf(instance)); err != nil {
				c.requestReconcile()
				return fmt.Errorf("stop %s of %s: %w", run.Spec.Name, live.App, err)
			}
		}
	}
	return nil
}

// rewordHalted changes what the app's pages say of a volume that it waits for.
func (c *Controller) rewordHalted(ctx context.Context, name app.Name, of volume.Name, reason string) error {
	unlock, err := c.apps.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := c.ledger.FindApp(ctx, name)
	if err != nil || !found.HaltedFor(of) {
		return problem.IgnoreMissing(err)
	}
	for i := range found.Halted {
		if found.Halted[i].Volume == of {
			found.Halted[i].Reason = reason
		}
	}
	if err := c.reconciler.Ledger.UpdateHalted(ctx, name, found.Halted); err != nil {
		return err
	}
	if live, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: name, Number: found.Live}); err == nil {
		c.observeLive(ctx, live)
	}
	return nil
}

// haltReasons says why services are stopped, each reason once.
func haltReasons(halted []app.HaltedService) string {
	var reasons []string
	for _, one := range halted {
		if !slices.Contains(reasons, one.Reason) {
			reasons = append(reasons, one.Reason)
		}
	}
	return strings.Join(reasons, " ")
}

// haltWords names the services of an app that has several.
func haltWords(services []string) string {
	if len(services) == 1 && services[0] == plan.MainService {
		return ""
	}
	return "Stopped: " + app.NameList(services) + ". "
}
