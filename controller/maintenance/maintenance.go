// Package maintenance answers visitors where no app does: with the page of an app that
// is in maintenance, stopped or was never live, with that of an address where nothing
// is, with that of a request that the proxy refuses, and with the way to the path that has
// its slash.
//
// It keeps nothing: the proxy says in a header that it sets itself what to answer, the
// operator's text included, so that what is shown is what was published, also while the
// controller is down and after any restart.
package maintenance

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"berth/traefik"
)

const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	idleTimeout   = time.Minute
	headerBytes   = 96 << 10 // the proxy takes 64 KB of the client, and adds the text
	drainTime     = 5 * time.Second

	// retryAfter is when crawlers and monitors ask again, in seconds.
	retryAfter = "300"
	// soon is when they and browsers do where the page is there for moments.
	soon = "3"
)

// Handler answers every request with what traefik.PageHeader asks for; where that is
// none of its values, with the page of maintenance. Without the header, it answers
// traefik.ForbiddenPath with the page of a refused address.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch value := r.Header.Get(traefik.PageHeader); value {
		case traefik.PageUnknown:
			unknown.write(w, r)
		case traefik.PageUnavailable:
			unavailable.write(w, r)
		case traefik.PageReplaced:
			replaced.write(w, r)
		case traefik.PageSlash:
			redirectToSlash(w, r)
		case traefik.PageEncoded:
			encoded.write(w, r)
		default:
			if value == "" && r.URL.Path == traefik.ForbiddenPath {
				forbidden.write(w, r)
				return
			}
			maintenanceOf(traefik.DecodeMaintenance(value)).write(w, r)
		}
	})
}

// Serve answers on the listener until ctx ends.
func Serve(ctx context.Context, listener net.Listener, logger *slog.Logger) error {
	server := &http.Server{
		Handler: Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what clients do wrong
	}
	drained := make(chan error, 1)
	running := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		drained <- server.Shutdown(ctx)
	})
	err := server.Serve(listener)
	if running() { // it fell by itself
		return fmt.Errorf("serve pages: %w", err)
	}
	return <-drained
}
