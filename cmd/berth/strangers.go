package main

import (
	"net"
	"net/netip"

	"berth/controller/connections"
)

// strangers closes the connections that come from the proxy's network, but for its
// gateway, which is the machine: the proxy faces the internet, and has no business with
// the admin app.
type strangers struct {
	net.Listener
	edge netip.Prefix
}

// Accept waits for the next connection that does not come from the edge.
func (s strangers) Accept() (net.Conn, error) {
	for {
		connection, err := s.Listener.Accept()
		if err != nil || !s.refuses(connection.RemoteAddr()) {
			return connection, err
		}
		_ = connection.Close()
	}
}

func (s strangers) refuses(remote net.Addr) bool {
	address := connections.Address(remote)
	return s.edge.Contains(address) && address != gatewayOf(s.edge)
}

// gatewayOf is the machine's own address on a network that the engine made.
func gatewayOf(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }
