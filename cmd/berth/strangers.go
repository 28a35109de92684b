//go:build linux && cgo

package main

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"

	"berth/controller/connections"
)

// strangers closes the connections that did not come by way of this machine. The
// proxy faces the internet and has no business with the admin app; and an engine
// before version 28 passes on what a neighbour on the network sends to a container's
// own address, whatever address of the machine the port is published on.
type strangers struct {
	net.Listener
	edge    netip.Prefix   // the network between the controller and the proxy
	proxies []netip.Prefix // that the operator has put in front of the admin app
	logger  *slog.Logger
	warned  *sync.Once
}

func newDoorkeeper(listener net.Listener, config Config, logger *slog.Logger) strangers {
	return strangers{listener, config.EdgeSubnet, config.TrustedProxies, logger, new(sync.Once)}
}

// Accept waits for the next connection that is no stranger's.
func (s strangers) Accept() (net.Conn, error) {
	for {
		connection, err := s.Listener.Accept()
		if err != nil || !s.refuses(connection.LocalAddr(), connection.RemoteAddr()) {
			return connection, err
		}
		s.warned.Do(func() {
			s.logger.Warn("refused a connection to the admin app that did not come by way of this machine; said once",
				"from", connections.Address(connection.RemoteAddr()), "hint", "where it is your proxy, name it in BERTH_TRUSTED_PROXIES")
		})
		_ = connection.Close()
	}
}

// refuses hears on the edge network its gateway alone, which is the machine itself,
// and proxies of the operator's from elsewhere. The members of that network are
// refused on every address.
func (s strangers) refuses(local, remote net.Addr) bool {
	from := connections.Address(remote)
	switch gateway := gatewayOf(s.edge); {
	case from == gateway:
		return false
	case s.edge.Contains(from):
		return true
	case !s.edge.Contains(connections.Address(local)):
		return false // of a controller that runs outside of a container, or its own health check
	}
	return !slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(from) })
}

// gatewayOf is the machine's own address on a network that the engine made.
func gatewayOf(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }
