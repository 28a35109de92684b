package app

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"berth/controller/problem"
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

// Lead gives the app a route that leads to a destination, or leads one of its routes there.
func (a *App) Lead(route traefik.Route, to Destination) {
	if !slices.Contains(a.Routes, route) {
		a.Routes = append(a.Routes, route)
	}
	if to == (Destination{}) {
		delete(a.Destinations, route)
		return
	}
	if a.Destinations == nil {
		a.Destinations = make(map[traefik.Route]Destination)
	}
	a.Destinations[route] = to
}

// CheckDestinations refuses services that lack one which a route of the app leads to: the
// route would be dead. All such routes are said at once.
func (a App) CheckDestinations(services []string) error {
	var lost []string
	for _, route := range a.Routes {
		to := a.Destinations[route]
		if to.Service != "" && !slices.Contains(services, to.Service) {
			lost = append(lost, fmt.Sprintf("The route %s leads to the service %s.", route, to.Service))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return problem.Conflict(
		fmt.Sprintf("%s What is to run has no such service.", strings.Join(lost, " ")),
		"Remove the route on the page Routes of the app, or lead it to another service; or keep the service in the compose file.",
	)
}

// CheckRun is CheckDestinations for a release whose services are known; it has nothing to
// say of others.
func (a App) CheckRun(release Release) error {
	var names []string
	for _, run := range release.Services {
		names = append(names, run.Spec.Name)
	}
	if len(names) == 0 {
		return nil
	}
	return a.CheckDestinations(names)
}

// CheckProven refuses routes of the app as it is now that lead to where no route led when
// the release was checked.
func (a App) CheckProven(now App) error {
	proven := slices.Collect(maps.Values(a.Destinations))
	for route, to := range now.Destinations {
		if !slices.Contains(proven, to) {
			return problem.Conflict(fmt.Sprintf("The route %s was led to %s while the release was checked.", route, to), "Deploy again.")
		}
	}
	return nil
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
