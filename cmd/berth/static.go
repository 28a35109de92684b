//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"

	"berth/controller/site"
)

// staticMemory is where the collector begins to work harder: far below the least
// memory limit that an app can have, far above what a site takes.
const staticMemory = 64 << 20

// runStatic serves a folder, in the image that Berth makes of a static site.
func runStatic(ctx context.Context, p *program, args []string) error {
	flags := newFlags("static")
	folder := flags.String("folder", "/site", "the folder to serve")
	fallback := flags.Bool("fallback", false, "answer unknown paths with /index.html, for apps that route in the browser")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	port, err := parsePort(p.variable("PORT"))
	if err != nil {
		return &usageError{err}
	}
	files, err := site.Open(*folder, site.Options{Fallback: *fallback})
	if err != nil {
		return err
	}
	defer files.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return fmt.Errorf("serve site: %w", err)
	}
	debug.SetMemoryLimit(staticMemory)
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	logger.Info("the site is served", "port", port, "fallback", *fallback)
	return files.Serve(ctx, listener, logger)
}

// parsePort reads PORT; 8000 where it is not set, as everywhere.
func parsePort(text string) (uint16, error) {
	if text == "" {
		return 8000, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("PORT must be a port from 1 to 65535")
	}
	return uint16(port), nil
}
