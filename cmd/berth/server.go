//go:build linux && cgo

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"berth/controller/connections"
)

// serverLimits bound what a client can hold. There is no limit on reading or
// writing as a whole: an upload of 256 MB over a slow line and an event stream take
// as long as they take, as long as they move.
type serverLimits struct {
	header      time.Duration // for a handshake, and for the head of a request
	idle        time.Duration // between two requests
	still       time.Duration // without a byte in a body or an answer
	headerBytes int
	streams     int // requests at once on one connection of HTTP/2
	connections connections.Limit
}

func defaultServerLimits() serverLimits {
	return serverLimits{
		header: 10 * time.Second, idle: 2 * time.Minute, still: 30 * time.Second, headerBytes: 32 << 10, streams: 100,
		// Behind a tunnel or a published port everybody comes from one address.
		connections: connections.Limit{Total: 512, PerAddress: 256},
	}
}

// How a stop goes: requests get drainTimeout to end by themselves, then their
// contexts end, and after closeTimeout more their connections. Together they
// stay below the ten seconds that the engine gives a container.
const (
	drainTimeout = 2 * time.Second
	closeTimeout = 5 * time.Second
)

// modernSuites are those of TLS 1.2 with forward secrecy and authenticated
// encryption; TLS 1.3 has no others.
var modernSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

func newServer(handler http.Handler, certificates *adminCertificates, limits serverLimits, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           paced(handler, limits.still),
		ReadHeaderTimeout: limits.header,
		IdleTimeout:       limits.idle,
		MaxHeaderBytes:    limits.headerBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: limits.streams,
			// A connection that says nothing is asked, and closed where it does not answer.
			SendPingTimeout: limits.idle / 2, PingTimeout: limits.header, WriteByteTimeout: limits.still,
		},
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			CipherSuites:   modernSuites,
			GetCertificate: certificates.choose,
		},
		// What clients do wrong: browsers that do not know our certificate, scanners.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// runServer serves until ctx ends, and then stops in the steps said above. Without a
// TLSConfig it speaks plain http.
func runServer(ctx context.Context, server *http.Server, listener net.Listener) error {
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	server.BaseContext = func(net.Listener) context.Context { return requests }
	stopped := make(chan error, 1)
	stopWatching := context.AfterFunc(ctx, func() { stopped <- stopServer(requests, server, endRequests) })
	serve := func() error { return server.ServeTLS(listener, "", "") }
	if server.TLSConfig == nil {
		serve = func() error { return server.Serve(listener) }
	}
	err := serve()
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
