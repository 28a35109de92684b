package main

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// connectionLimit bounds how many connections are open at once. Zero allows none.
type connectionLimit struct {
	total      int
	perAddress int // of one IPv4 address, or one IPv6 network of 64 bits
}

// limitConnections returns a listener that bounds what is open. A connection
// beyond the limit takes the place of the one that has been idle for longest, and
// is closed at once where none is: whoever holds many connections cannot make the
// others wait, and whoever leaves many behind does not lock out the next.
func limitConnections(listener net.Listener, limit connectionLimit) *limitedListener {
	return &limitedListener{Listener: listener, limit: limit, open: make(map[string]*countedConnection)}
}

type limitedListener struct {
	net.Listener
	limit connectionLimit

	mu   sync.Mutex
	open map[string]*countedConnection // by the address and port that it comes from
}

// Accept waits for the next connection that is within the limit.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		counted := &countedConnection{Conn: connection, from: neighbourhood(connection.RemoteAddr())}
		counted.leave = sync.OnceFunc(func() { l.leave(counted) })
		if l.enter(counted) {
			return counted, nil
		}
		_ = connection.Close()
	}
}

// follow is the ConnState hook of the server: it says which connections wait for
// their next request.
func (l *limitedListener) follow(connection net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counted := l.open[connection.RemoteAddr().String()]
	switch {
	case counted == nil:
	case state == http.StateIdle:
		counted.idle = time.Now()
	default:
		counted.idle = time.Time{}
	}
}

func (l *limitedListener) enter(counted *countedConnection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := 0
	var idle, idleThere *countedConnection
	for _, other := range l.open {
		idle = longerIdle(idle, other)
		if other.from == counted.from {
			from++
			idleThere = longerIdle(idleThere, other)
		}
	}
	switch {
	case from >= l.limit.perAddress:
		idle = idleThere
	case len(l.open) < l.limit.total:
		l.open[counted.RemoteAddr().String()] = counted
		return true
	}
	if idle == nil {
		return false
	}
	delete(l.open, idle.RemoteAddr().String())
	_ = idle.Conn.Close() // its own Close finds that it has left
	l.open[counted.RemoteAddr().String()] = counted
	return true
}

func longerIdle(a, b *countedConnection) *countedConnection {
	if b.idle.IsZero() || a != nil && a.idle.Before(b.idle) {
		return a
	}
	return b
}

func (l *limitedListener) leave(counted *countedConnection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key := counted.RemoteAddr().String(); l.open[key] == counted {
		delete(l.open, key)
	}
}

type countedConnection struct {
	net.Conn
	from  netip.Prefix
	idle  time.Time // since when it waits for a request; zero where it does not
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
	address := addressOf(remote)
	return s.edge.Contains(address) && address != gatewayOf(s.edge)
}

// gatewayOf is the machine's own address on a network that the engine made.
func gatewayOf(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }

// addressOf is without a zone, and the zero Addr where there is none.
func addressOf(remote net.Addr) netip.Addr {
	parsed, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Addr{}
	}
	return parsed.Addr().Unmap().WithZone("")
}

// neighbourhood is what counts as one address: whoever has an IPv6 address has a
// network of them.
func neighbourhood(remote net.Addr) netip.Prefix {
	address, bits := addressOf(remote), 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits)
	return network
}
