//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sync/errgroup"

	"berth/controller/gate"
	"berth/traefik"
)

// errandPort is where the proxy finds its way to certificate authorities, as
// docker-compose.yml tells it.
const errandPort = 8003

// runGate stands in front of the proxy, in a container of its own that publishes the
// ports of HTTP and HTTPS.
func runGate(ctx context.Context, p *program, args []string) error {
	flags := newFlags("gate")
	proxy := flags.String("proxy", "10.201.0.2", "the proxy's address")
	edge := flags.String("edge", "10.201.0.0/27", "the network that the gate shares with the proxy")
	folder := flags.String("trust", "", "the folder in which Berth names the trusted proxies; empty: there are none")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	address, err := netip.ParseAddr(*proxy)
	if err != nil {
		return &usageError{fmt.Errorf("--proxy %.60q is no address", *proxy)}
	}
	subnet, err := netip.ParsePrefix(*edge)
	if err != nil {
		return &usageError{fmt.Errorf("--edge %.60q is no network", *edge)}
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, nil))
	options := gate.Options{Machine: gatewayOf(subnet), Logger: logger}
	if *folder != "" {
		options.Trust = gate.NewTrust(*folder, logger)
	}
	for port, proxied := range map[int]int{traefik.WebPort: traefik.WebProxiedPort, traefik.WebsecurePort: traefik.WebsecureProxiedPort} {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return fmt.Errorf("open gate: %w", err)
		}
		options.Doors = append(options.Doors, gate.Door{
			Listener: listener, Proxy: net.JoinHostPort(address.String(), strconv.Itoa(port)),
			Proxied: net.JoinHostPort(address.String(), strconv.Itoa(proxied)), Secure: port == traefik.WebsecurePort,
		})
	}
	outwards, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(errandPort))
	if err != nil {
		return fmt.Errorf("open gate: %w", err)
	}
	errands := gate.Errands{Listener: outwards, Proxy: address, Logger: logger}
	logger.Info("the gate is open", "proxy", address.String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return gate.New(options).Run(ctx) })
	group.Go(func() error { return errands.Run(ctx) })
	if options.Trust != nil {
		group.Go(func() error { return options.Trust.Run(ctx) })
	}
	return group.Wait()
}
