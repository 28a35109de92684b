package publicdoor

import (
	"net"
	"net/netip"
	"sync"

	"berth/controller/connections"
)

// count is how many requests of each client are under way. It is safe for concurrent use.
type count struct {
	mu   sync.Mutex
	from map[netip.Prefix]int
}

func newCount() *count { return &count{from: make(map[netip.Prefix]int)} }

// enter counts one request of the client, until leave is called once. There is no room
// where as many as most are under way.
func (c *count) enter(client netip.Addr, most int) (leave func(), room bool) {
	network := connections.Neighbourhood(net.TCPAddrFromAddrPort(netip.AddrPortFrom(client, 0)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from[network] >= most {
		return nil, false
	}
	c.from[network]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.from[network]--; c.from[network] == 0 {
			delete(c.from, network)
		}
	}, true
}
