package main

import (
	"net"
	"net/netip"
	"sync"
)

// connectionLimit bounds how many connections are open at once. Zero allows none.
type connectionLimit struct {
	total      int
	perAddress int // of one IPv4 address, or one IPv6 network of 64 bits
}

// limitConnections returns a listener that closes at once what goes beyond the
// limit: whoever holds many connections cannot make the others wait.
func limitConnections(listener net.Listener, limit connectionLimit) net.Listener {
	return &limitedListener{Listener: listener, limit: limit, open: make(map[netip.Prefix]int)}
}

type limitedListener struct {
	net.Listener
	limit connectionLimit

	mu   sync.Mutex
	all  int
	open map[netip.Prefix]int
}

// Accept waits for the next connection that is within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := neighbourhood(connection.RemoteAddr())
		if l.enter(from) {
			return &countedConnection{Conn: connection, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = connection.Close()
	}
}

func (l *limitedListener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.limit.total || l.open[from] >= l.limit.perAddress {
		return false
	}
	l.all++
	l.open[from]++
	return true
}

func (l *limitedListener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	l.open[from]--
	if l.open[from] == 0 {
		delete(l.open, from)
	}
}

type countedConnection struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room for another.
func (c *countedConnection) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends what is sent and leaves what is received open.
func (c *countedConnection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// neighbourhood is what counts as one address: whoever has an IPv6 address has a
// network of them.
func neighbourhood(remote net.Addr) netip.Prefix {
	parsed, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := parsed.Addr().Unmap().WithZone(""), 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits)
	return network
}
