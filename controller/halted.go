package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/plan"
	"berth/controller/volume"
)

// HaltedService is a service of an app's live release that Berth has stopped, for as
// long as a person does not start the app again.
type HaltedService struct {
	Service string
	Main    bool        // the app's routes lead to it
	Volume  volume.Name // that is over its quota, as the watch names it; empty where the disk was nearly full
	Reason  string      // for the person
}

// halts returns why Berth has stopped the service, or nil.
func (a App) halts(run ServiceRun) *HaltedService {
	at := slices.IndexFunc(a.Halted, func(halted HaltedService) bool { return halted.Service == run.Spec.Name })
	if at < 0 {
		return nil
	}
	return &a.Halted[at]
}

func (a App) haltedFor(name volume.Name) bool {
	return slices.ContainsFunc(a.Halted, func(halted HaltedService) bool { return halted.Volume == name })
}

// halting is what is to be stopped of one app.
type halting struct {
	app      AppName
	services []string // that write into the volume
}

// haltReason is why it is stopped.
type haltReason struct {
	volume volume.Name // that is over its quota; may be empty
	text   string      // for the person
}

// halt stops the services of an app that write into a volume, and lets the others go on.
// An app of which nothing else is left is stopped whole.
func (c *Controller) halt(ctx context.Context, which halting, reason haltReason) error {
	return c.act(ctx, which.app, func(ctx context.Context, live Release) error {
		app, err := c.ledger.FindApp(ctx, which.app)
		if err != nil {
			return err
		}
		halted, others := app.Halted, false
		for _, run := range live.Runs() {
			switch {
			case app.halts(run) != nil:
			case slices.Contains(which.services, run.Spec.Name):
				halted = append(halted, HaltedService{run.Spec.Name, run.Main, reason.volume, reason.text})
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
func (c *Controller) haltAll(ctx context.Context, live Release, halted []HaltedService) error {
	// First, so that it is kept where an instance does not stop at once.
	c.observe(ctx, live.App, Observed{State: AppStopped, Detail: haltReasons(halted), At: time.Now()})
	err := c.stopLive(ctx, live)
	if app, find := c.ledger.FindApp(ctx, live.App); find != nil || app.Wanted != WantedStopped {
		return err
	}
	if keep := c.ledger.UpdateHalted(ctx, live.App, halted); keep != nil {
		c.logger.Error("keep why an app was stopped", "app", string(live.App), "error", keep)
	}
	return err
}

// haltSome stops the instances of halted services; the reconciler leaves them so.
func (c *Controller) haltSome(ctx context.Context, live Release, halted []HaltedService) error {
	if err := c.ledger.UpdateHalted(ctx, live.App, halted); err != nil {
		return err
	}
	if err := c.publish(ctx); err != nil { // a page stands in place of the main service
		return err
	}
	app := App{Halted: halted}
	for _, run := range slices.Backward(live.Runs()) {
		if app.halts(run) == nil {
			continue
		}
		for _, instance := range run.Instances {
			if err := c.engine.Stop(ctx, instance, live.graceOf(instance)); err != nil {
				c.requestReconcile()
				return fmt.Errorf("stop %s of %s: %w", run.Spec.Name, live.App, err)
			}
		}
	}
	return nil
}

// rewordHalted changes what the app's pages say of a volume that it waits for.
func (c *Controller) rewordHalted(ctx context.Context, name AppName, of volume.Name, reason string) error {
	unlock, err := c.apps.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	app, err := c.ledger.FindApp(ctx, name)
	if err != nil || !app.haltedFor(of) {
		return ignoreMissing(err)
	}
	for i := range app.Halted {
		if app.Halted[i].Volume == of {
			app.Halted[i].Reason = reason
		}
	}
	if err := c.ledger.UpdateHalted(ctx, name, app.Halted); err != nil {
		return err
	}
	if live, err := c.ledger.FindRelease(ctx, ReleaseID{App: name, Number: app.Live}); err == nil {
		c.observeLive(ctx, live)
	}
	return nil
}

// haltReasons says why services are stopped, each reason once.
func haltReasons(halted []HaltedService) string {
	var reasons []string
	for _, one := range halted {
		if !slices.Contains(reasons, one.Reason) {
			reasons = append(reasons, one.Reason)
		}
	}
	return strings.Join(reasons, " ")
}

// words names the services of an app that has several.
func (h halting) words() string {
	if len(h.services) == 1 && h.services[0] == plan.MainService {
		return ""
	}
	return "Stopped: " + NameList(h.services) + ". "
}
