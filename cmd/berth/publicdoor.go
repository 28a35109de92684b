//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"berth/controller/connections"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/problem"
	"berth/controller/publicdoor"
	"berth/router"
	"berth/traefik"
)

// brokerPatience is how long a start waits for a broker that is starting too.
const (
	brokerPatience = 30 * time.Second
	brokerPause    = 500 * time.Millisecond
)

// adminRoute is how the proxy reaches the admin app, where it has a public host; else the
// zero value.
func (c Config) adminRoute() traefik.AdminRoute {
	if c.AdminPublicHost == "" {
		return traefik.AdminRoute{}
	}
	return traefik.AdminRoute{Host: c.AdminPublicHost, Address: c.publicDoor().String(), Allow: c.AdminPublicAllow}
}

// publicDoor is this program's own address on the network of the proxy.
func (c Config) publicDoor() netip.AddrPort {
	return netip.AddrPortFrom(addressTowards(netip.AddrPortFrom(c.ProxyAddress, publicdoor.Port)), publicdoor.Port)
}

// reservedHosts are all names of the admin app, on none of which an app answers.
func (c Config) reservedHosts() []traefik.Host {
	if c.AdminPublicHost == "" {
		return c.ownHosts()
	}
	return append(c.ownHosts(), c.AdminPublicHost)
}

// checkPublicHost checks what BERTH_ADMIN_PUBLIC_HOST and the other names say together.
func (p *parsing) checkPublicHost(c Config) {
	host := c.AdminPublicHost
	switch route := (traefik.AdminRoute{Host: host}); {
	case host == "" && len(c.AdminPublicAllow) > 0:
		p.errs = append(p.errs, errors.New("admin.public.allow belongs to admin.public.host: set that too (BERTH_ADMIN_PUBLIC_HOST), or neither"))
	case host == "":
	case slices.Contains(c.ownHosts(), host):
		p.refuse("admin.public.host", string(host), "another name than those of admin.host and admin.hosts, which answer on this machine alone")
	case route.Reserves(c.BaseDomain):
		p.refuse("admin.public.host", string(host), "a name of the admin app alone: apps have names below base.domain, "+string(c.BaseDomain))
	}
}

// reporter tells whether the broker is in front of the engine.
type reporter interface {
	BrokerReport(ctx context.Context) (docker.BrokerReport, error)
}

// requireBroker refuses a public host for the admin app where a plain socket, or somebody
// else's proxy of it, would give the host to whoever takes the admin app over.
func requireBroker(ctx context.Context, config Config, engine reporter) error {
	if config.AdminPublicHost == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, brokerPatience)
	defer cancel()
	for {
		_, err := engine.BrokerReport(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, docker.ErrNoBroker):
			return problem.Invalid(
				fmt.Sprintf("The admin app cannot have the public host %s: the engine is reached without Berth's broker.", config.AdminPublicHost),
				"Remove DOCKER_HOST, so that Berth uses its broker, or remove BERTH_ADMIN_PUBLIC_HOST.",
			).Because(err)
		case pause.For(ctx, brokerPause) != nil:
			return problem.Unavailable(
				fmt.Sprintf("The admin app cannot have the public host %s: the broker does not answer.", config.AdminPublicHost),
				"See what docker logs of the broker says, or remove BERTH_ADMIN_PUBLIC_HOST.",
			).Because(err)
		}
	}
}

// servePublic returns what serves the admin app to the proxy under its public host, until its
// context ends. Without a public host it does nothing. The app is one of its own over the
// same story: a session begins at the public name as it does at the other.
func servePublic(config Config, o router.Options, logger *slog.Logger) func(context.Context) error {
	if config.AdminPublicHost == "" {
		return func(context.Context) error { return nil }
	}
	return func(ctx context.Context) error {
		server, crowd, err := newPublicServer(config, o, logger)
		if err != nil {
			return err
		}
		listener, err := listen(ctx, config.publicDoor())
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }()
		logger.Info("the admin app answers through the proxy too", "host", config.AdminPublicHost)
		return runServer(ctx, server, crowd.Listen(publicdoor.Listen(listener, config.ProxyAddress, logger)))
	}
}

func newPublicServer(config Config, o router.Options, logger *slog.Logger) (*http.Server, *connections.Crowd, error) {
	o.AdminHost, o.AdminHosts, o.TrustedProxies = string(config.AdminPublicHost), nil, nil
	app, err := router.New(o)
	if err != nil {
		return nil, nil, fmt.Errorf("open public admin app: %w", err)
	}
	bounds := defaultServerLimits()
	bounds.connections = connections.Limit{Total: publicdoor.Total, PerAddress: publicdoor.Total}
	handler := publicdoor.Handler(publicdoor.Options{Host: o.AdminHost, Shared: o.Gateway, Next: app})
	server, crowd := newServer(handler, nil, bounds, logger), connections.NewCrowd(bounds.connections)
	server.TLSConfig, server.ConnState = nil, crowd.Follow // the proxy ends TLS
	return server, crowd, nil
}
