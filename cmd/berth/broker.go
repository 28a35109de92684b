//go:build linux && cgo

package main

import (
	"context"
	"log/slog"
	"slices"

	"berth/controller/app"
	"berth/controller/broker"
)

// runBroker holds the engine's socket for the controller, in a container of its own.
func runBroker(ctx context.Context, p *program, args []string) error {
	flags := newFlags("broker")
	listen := flags.String("listen", "/run/broker/engine.sock", "the socket that it opens for the controller")
	engine := flags.String("engine", "/var/run/docker.sock", "the engine's socket")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, _, err := loadConfig("", p.environment, nil)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	door, err := broker.Listen(broker.Options{Listen: *listen, Engine: *engine, Policy: brokerPolicy(config), Logger: logger})
	if err != nil {
		return err
	}
	logger.Info("the broker runs", "socket", *listen, "engine", *engine)
	return door.Run(ctx)
}

// brokerPolicy is what the operator's settings allow. The broker reads them from its own
// environment, which the controller cannot change.
func brokerPolicy(config Config) broker.Policy {
	return broker.Policy{
		Stack: config.Stack, Pool: config.SubnetPool, Limits: config.MaximumLimits, Cgroup: config.Cgroup, Registries: config.Registries,
		PrivateEgress:      config.PrivateEgress,
		ForbidWritableRoot: slices.Contains(config.ForbiddenWaivers, app.WaiverWritableRoot),
		ForbidRoot:         slices.Contains(config.ForbiddenWaivers, app.WaiverDatabase),
	}
}
