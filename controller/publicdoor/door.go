// Package publicdoor lets the proxy, and nobody else, bring requests to the admin app under
// its public host name, each with its true client.
package publicdoor

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"berth/controller/connections"
)

// Port is where the controller hears the proxy, on the network between them.
const Port = 8002

// Total is how many connections of the proxy are taken. More than a client may use: see
// Handler.
const Total = 1024

// Listen returns a listener that hears the proxy alone. The network that it is on holds no
// app, and its members cannot send under another address: they have no capability.
func Listen(listener net.Listener, proxy netip.Addr, logger *slog.Logger) net.Listener {
	return &door{listener, proxy, logger, new(sync.Once)}
}

type door struct {
	net.Listener
	proxy  netip.Addr
	logger *slog.Logger
	warned *sync.Once
}

// Accept waits for the proxy's next connection, and closes those of all others.
func (d *door) Accept() (net.Conn, error) {
	for {
		connection, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := connections.Address(connection.RemoteAddr())
		if d.proxy.IsValid() && from == d.proxy {
			return connection, nil
		}
		d.warned.Do(func() {
			d.logger.Warn("refused a connection to the admin app's public door that is not the proxy's; said once", "from", from)
		})
		_ = connection.Close()
	}
}
