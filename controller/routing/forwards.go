package routing

import (
	"net"
	"slices"
	"strconv"

	"berth/controller/app"
	"berth/traefik"
)

// forwards says where each allowed public port leads: to nobody if no app has it, or if
// the app does not answer. A port that is not allowed any more is not in it.
func (r *Routes) forwards(table app.Table) []traefik.Forward {
	forwards := make([]traefik.Forward, 0, len(r.ports))
	for _, port := range r.ports {
		forward := traefik.Forward{Port: port}
		at := slices.IndexFunc(table.Ports, func(p app.PublicPort) bool { return p.Port == port })
		if at >= 0 {
			forward = forwardOf(table.Ports[at], liveRouting(table, table.Ports[at].App))
		}
		forwards = append(forwards, forward)
	}
	return forwards
}

// liveRouting is the line of the table for the live release of an app; the zero Routing
// if there is none.
func liveRouting(table app.Table, name app.Name) app.Routing {
	for _, routing := range table.Routings {
		if routing.App == name && !routing.Proving && !routing.Unavailable {
			return routing
		}
	}
	return app.Routing{}
}

// forwardOf leads the port to the release, or to nobody.
func forwardOf(port app.PublicPort, live app.Routing) traefik.Forward {
	closed := traefik.Forward{Port: port.Port}
	host, _, err := net.SplitHostPort(live.Address)
	if err != nil || refusedBy(port.Port, live.Access) {
		return closed
	}
	if port.Service != "" {
		host = app.ServiceAlias(host, port.Service)
	}
	return traefik.Forward{
		Port: port.Port, App: string(port.App), Release: live.Release, Allow: live.Access.Allow,
		Address: net.JoinHostPort(host, strconv.Itoa(int(port.Target))),
	}
}

// refusedBy reports whether the access rules of an app close a port of it: nobody is
// admitted, the app is in maintenance, or the rules cannot hold over UDP.
func refusedBy(port traefik.Port, access traefik.Access) bool {
	return access.Closed() || access.Maintenance.On || port.Protocol == traefik.UDP && len(access.Allow) > 0
}
