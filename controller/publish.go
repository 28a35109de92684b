package controller

import (
	"context"
	"fmt"

	"berth/traefik"
)

// publish writes the route table as the ledger has it now to where the proxy reads it.
func (c *Controller) publish(ctx context.Context) error {
	// Reading and writing are one step: a table read earlier must never be
	// written after one read later.
	c.publishing.Lock()
	defer c.publishing.Unlock()
	table, err := c.ledger.Table(ctx)
	if err != nil {
		return err
	}
	return c.publishTable(table)
}

// publishTable writes the table; the caller holds publishing.
func (c *Controller) publishTable(table []Routing) error {
	configuration, err := traefik.Generate(targetsOf(table))
	if err != nil {
		return fmt.Errorf("generate proxy configuration: %w", err)
	}
	if _, err := c.publisher.Publish(configuration); err != nil {
		return fmt.Errorf("publish proxy configuration: %w", err)
	}
	return nil
}

// publishAndConfirm publishes the table and waits until the proxy shows target.
func (c *Controller) publishAndConfirm(ctx context.Context, target traefik.Target) error {
	if err := c.publish(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, confirmTimeout, errProxySilent)
	defer cancel()
	if err := c.proxy.Confirm(ctx, target); err != nil {
		return fmt.Errorf("%w: %w", errProxySilent, err)
	}
	return nil
}

func targetsOf(table []Routing) []traefik.Target {
	targets := make([]traefik.Target, 0, len(table))
	for _, routing := range table {
		targets = append(targets, targetOf(routing))
	}
	return targets
}

func targetOf(r Routing) traefik.Target {
	return traefik.Target{
		App: string(r.App), Release: r.Release, Routes: r.Routes, Address: r.Address, Proving: r.Proving,
	}
}
