package planner

import (
	"cmp"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// databasePorts are well-known ports of databases and caches, which nobody needs to reach
// from outside.
var databasePorts = []uint32{1433, 1521, 3306, 5432, 5433, 6379, 6380, 7687, 9042, 9300, 11211, 26257, 27017, 27018, 33060}

// notPublished says that a published port is not, and what a person can do where it is not
// one of HTTP.
func (c *composer) notPublished(service string, port types.ServicePortConfig) {
	protocol := cmp.Or(port.Protocol, "tcp")
	switch {
	case speaksHTTP(port) || isLoopback(port.HostIP) || slices.Contains(databasePorts, port.Target):
		c.note("Port %s of %s is not published: the app is reached through its route alone.", port.Published, service)
	case c.options.PublicPorts:
		c.note("Port %s of %s is not published. %s listens on %d/%s, which is not HTTP: give it a public port on the app's Routes page.",
			port.Published, service, service, port.Target, protocol)
	default:
		c.note("Port %s of %s is not published. %s listens on %d/%s, which is not HTTP: the operator can allow public ports with BERTH_PORTS, for the app's Routes page.",
			port.Published, service, service, port.Target, protocol)
	}
}
