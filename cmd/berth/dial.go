package main

import (
	"context"
	"net"
	"strings"
)

// dial connects to the server. Names below localhost are this machine, as browsers have
// it (RFC 6761); the resolver of many systems does not know them.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".localhost") {
		address = net.JoinHostPort("localhost", port)
	}
	return (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, network, address)
}
