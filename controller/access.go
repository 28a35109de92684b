package controller

import (
	"context"
	"errors"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

// UpdateAccess changes who may use an app. It is live when the call returns,
// without a release: the rules are the app's, whatever runs. Where the last user
// goes while the password stays on, the app is closed: it has no route any more.
func (c *Controller) UpdateAccess(ctx context.Context, name app.Name, change app.AccessChange) (traefik.Access, error) {
	// The browser going away must not leave the proxy with other rules than the ledger.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.AccessTimeout)
	defer cancel()
	unlock, err := c.apps.Lock(ctx, name)
	if err != nil {
		return traefik.Access{}, err
	}
	defer unlock()
	app, err := c.findApp(ctx, name)
	if err != nil {
		return traefik.Access{}, err
	}
	if err := c.checkMaintenance(change); err != nil {
		return traefik.Access{}, err
	}
	wanted, err := change.Apply(app.Access)
	if err != nil {
		return traefik.Access{}, err
	}
	if !wanted.Equal(app.Access) {
		if err := c.ledger.UpdateAccess(ctx, name, wanted); err != nil {
			return traefik.Access{}, claimProblem(err, app)
		}
		c.notices.Notify(name)
	}
	// Also where nothing changed: whoever asks again wants it to be true.
	if err := c.publishAccess(ctx, app); err != nil {
		c.requestReconcile()
		return traefik.Access{}, problem.Unavailable(
			fmt.Sprintf("The rules of %s are saved, and the proxy has not confirmed them yet.", name),
			"Berth keeps trying. Look at the app itself before you rely on them.",
		).Because(err)
	}
	return wanted, nil
}

// publishAccess publishes the table and waits until the proxy shows what it has
// for the app, if that has a route at all.
func (c *Controller) publishAccess(ctx context.Context, found app.App) error {
	err := c.routes.PublishAndConfirm(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
	if errors.Is(err, routing.ErrNotInTable) {
		return nil // nothing of it is published
	}
	return err
}

func (c *Controller) checkMaintenance(change app.AccessChange) error {
	if change.Maintenance == nil || !change.Maintenance.On || c.routes.HasPages() {
		return nil
	}
	return problem.Conflict(
		"This Berth has no handler of maintenance pages.",
		"Start it with its own docker-compose.yml, which has one.",
	).At("maintenance")
}
