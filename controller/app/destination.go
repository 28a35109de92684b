package app

import (
	"fmt"
	"net"
	"strconv"

	"berth/traefik"
)

// Destination is the service of an app that a route leads to, and a port of it. The zero
// Destination is the main service with its own port.
type Destination struct {
	Service string // its name in the compose file; empty is the main service
	Port    uint16 // 0 is the service's own
}

// String is the destination as people read it, such as "api, port 9000".
func (d Destination) String() string {
	switch {
	case d == Destination{}:
		return "the main service"
	case d.Port == 0:
		return d.Service
	case d.Service == "":
		return fmt.Sprintf("the main service, port %d", d.Port)
	default:
		return fmt.Sprintf("%s, port %d", d.Service, d.Port)
	}
}

// Address returns the host:port of the destination: main is that of the main service, and
// services are those of all services. It is empty if there is no such service.
func (d Destination) Address(main string, services map[string]string) string {
	address := main
	if d.Service != "" {
		address = services[d.Service]
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || d.Port == 0 {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(int(d.Port)))
}

// Leads returns the addresses of the app's routes that do not lead to the main service's
// own port, in a release; nil if there are none.
func (a App) Leads(release Release) map[traefik.Route]string {
	var leads map[traefik.Route]string
	for route, destination := range a.Destinations {
		if leads == nil {
			leads = make(map[traefik.Route]string, len(a.Destinations))
		}
		leads[route] = destination.Address(release.Address, release.Addresses)
	}
	return leads
}
