package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits on a connection. How long an answer may take depends on its size.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	headerBytes    = 16 << 10
	// drainTime is below what the engine grants a container between SIGTERM and SIGKILL.
	drainTime = 8 * time.Second
)

// Serve answers on listener until ctx ends, and lets the answers under way
// finish. It closes the listener.
func (s *Site) Serve(ctx context.Context, listener net.Listener, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what clients do wrong
	}
	drained := make(chan error, 1)
	running := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		drained <- err
	})
	err := server.Serve(listener)
	if running() { // it fell by itself
		return fmt.Errorf("serve site: %w", err)
	}
	return <-drained
}
