package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Limits on a connection of the admin app. There is none on reading or writing
// as a whole: an upload of 256 MB over a slow line and an event stream take as
// long as they take, and the router sets a pace for them.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// How a stop goes: requests get drainTimeout to end by themselves, then their
// contexts end, and after closeTimeout more their connections. Together they
// stay below the ten seconds that the engine gives a container.
const (
	drainTimeout = 2 * time.Second
	closeTimeout = 5 * time.Second
)

func newServer(handler http.Handler, certificate tls.Certificate, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{certificate},
		},
		// What clients do wrong: browsers that do not know our certificate, scanners.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// runServer serves until ctx ends, and then stops in the steps said above.
func runServer(ctx context.Context, server *http.Server, listener net.Listener) error {
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	server.BaseContext = func(net.Listener) context.Context { return requests }
	stopped := make(chan error, 1)
	stopWatching := context.AfterFunc(ctx, func() { stopped <- stopServer(requests, server, endRequests) })
	err := server.ServeTLS(listener, "", "")
	if stopWatching() { // it fell by itself
		return fmt.Errorf("serve admin app: %w", err)
	}
	return <-stopped
}

func stopServer(ctx context.Context, server *http.Server, endRequests func()) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout+closeTimeout)
	defer cancel()
	timer := time.AfterFunc(drainTimeout, endRequests)
	defer timer.Stop()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// adminHosts are the names that the admin app answers to: the configured ones
// and those of its certificate.
func adminHosts(config Config, leaf *x509.Certificate) []string {
	var hosts []string
	for _, host := range config.AdminHosts {
		hosts = append(hosts, string(host))
	}
	for _, name := range leaf.DNSNames {
		if !strings.Contains(name, "*") {
			hosts = append(hosts, name)
		}
	}
	return hosts
}
