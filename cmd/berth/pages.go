package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"berth/controller/maintenance"
)

// pagesPort is where the handler of maintenance pages listens, inside its container.
const pagesPort = 8002

// maintenancePages is the address of the handler as the proxy reaches it.
func maintenancePages(stack string) string {
	return net.JoinHostPort(stack+"-pages", strconv.Itoa(pagesPort))
}

// runPages shows the pages of apps in maintenance, in a container of its own, so
// that they are there while the controller is not.
func runPages(ctx context.Context, p *program, args []string) error {
	flags := newFlags("pages")
	address := flags.String("listen", ":"+strconv.Itoa(pagesPort), "address and port to listen on")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err != nil {
		return fmt.Errorf("show maintenance pages: %w", err)
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	logger.Info("maintenance pages are shown", "address", *address)
	return maintenance.Serve(ctx, listener, logger)
}
