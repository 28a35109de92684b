package main

import (
	"context"
	"log/slog"

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
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	door, err := broker.Listen(broker.Options{Listen: *listen, Engine: *engine, Logger: logger})
	if err != nil {
		return err
	}
	logger.Info("the broker runs", "socket", *listen, "engine", *engine)
	return door.Run(ctx)
}
