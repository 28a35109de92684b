package controller

import (
	"context"
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// publish writes the route table as the ledger has it now to where the proxy reads it.
func (c *Controller) publish(ctx context.Context) error {
	_, err := c.publishNow(ctx)
	return err
}

// publishNow is publish, and returns what it published.
func (c *Controller) publishNow(ctx context.Context) (traefik.Table, error) {
	// Reading and writing are one step: a table read earlier must never be
	// written after one read later.
	c.publishing.Lock()
	defer c.publishing.Unlock()
	table, err := c.table(ctx)
	if err != nil {
		return traefik.Table{}, err
	}
	return table, c.publishTable(table)
}

// table is the route table as the ledger has it now.
func (c *Controller) table(ctx context.Context) (traefik.Table, error) {
	table, err := c.ledger.Table(ctx)
	if err != nil {
		return traefik.Table{}, err
	}
	return c.secured(ctx, c.tableOf(table))
}

// secured adds how the hosts of the table are served.
func (c *Controller) secured(ctx context.Context, table traefik.Table) (traefik.Table, error) {
	if c.domains == nil {
		return table, nil
	}
	table, err := c.domains.Secure(ctx, table)
	if err != nil {
		return table, fmt.Errorf("decide about certificates: %w", err)
	}
	return table, nil
}

// Republish tells the proxy what has changed beside the routes.
func (c *Controller) Republish(ctx context.Context) error { return c.publish(ctx) }

// publishTable writes the table; the caller holds publishing.
func (c *Controller) publishTable(table traefik.Table) error {
	configuration, err := traefik.Generate(table)
	if err != nil {
		return fmt.Errorf("generate proxy configuration: %w", err)
	}
	if _, err := c.publisher.Publish(configuration); err != nil {
		return fmt.Errorf("publish proxy configuration: %w", err)
	}
	return nil
}

// publishAndConfirm publishes the table and waits until the proxy shows what it
// has for the release.
func (c *Controller) publishAndConfirm(ctx context.Context, id app.ReleaseID) error {
	table, err := c.publishNow(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, confirmTimeout, errProxySilent)
	defer cancel()
	return c.confirm(ctx, table, id)
}

// confirm waits until the proxy shows what the table has for the release.
func (c *Controller) confirm(ctx context.Context, table traefik.Table, id app.ReleaseID) error {
	part, found := table.Only(string(id.App), id.Number)
	if !found {
		return fmt.Errorf("confirm %s: %w in the route table", id, problem.ErrNotFound)
	}
	if err := c.proxy.Confirm(ctx, part); err != nil {
		return fmt.Errorf("%w: %w", errProxySilent, err)
	}
	return nil
}

// tableOf is the table as the proxy understands it.
func (c *Controller) tableOf(table app.Table) traefik.Table {
	targets := make([]traefik.Target, 0, len(table.Routings))
	for _, routing := range table.Routings {
		if routing.Unavailable && c.pages == "" {
			continue // nobody could show the page
		}
		targets = append(targets, targetOf(routing))
	}
	made := traefik.Table{
		Targets: targets, Redirects: table.Redirects, Beacon: c.beacon, Pages: c.pages, Unknown: c.pages != "",
	}
	c.addDerived(&made)
	made.Home = homeOf(table)
	c.withoutReserved(&made)
	return made
}

// homeOf is where "/" leads: nowhere while no app has the chosen route.
func homeOf(table app.Table) traefik.Route {
	for _, routing := range table.Routings {
		if !routing.Proving && table.Home.Path != "" && slices.Contains(routing.Routes, table.Home) {
			return table.Home
		}
	}
	return traefik.Route{}
}

func targetOf(r app.Routing) traefik.Target {
	return traefik.Target{
		App: string(r.App), Release: r.Release, Routes: r.Routes, Address: r.Address, Proving: r.Proving,
		Access: r.Access, Unavailable: r.Unavailable,
	}
}
