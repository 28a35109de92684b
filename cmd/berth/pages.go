//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"berth/controller/maintenance"
)

// pagesPort is where the handler of pages listens, inside its container.
const pagesPort = 8002

// pagesAddress is the address of the handler as the proxy reaches it.
func pagesAddress(stack string) string {
	return net.JoinHostPort(stack+"-pages", strconv.Itoa(pagesPort))
}

// runPages answers visitors where no app does, in a container of its own, so that the
// pages are there while the controller is not.
func runPages(ctx context.Context, p *program, args []string) error {
	flags := newFlags("pages")
	address := flags.String("listen", ":"+strconv.Itoa(pagesPort), "address and port to listen on")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err != nil {
		return fmt.Errorf("show pages: %w", err)
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	logger.Info("pages are shown", "address", *address)
	return maintenance.Serve(ctx, listener, logger)
}
