package controller

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// ParseRoute returns s as a route that an app may claim: "/sample",
// "app.example.com" or "example.com/api". A reserved one is a Problem.
func (c *Controller) ParseRoute(s string) (traefik.Route, error) {
	route, err := traefik.ParseRoute(strings.TrimSpace(s))
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return traefik.Route{}, problem.Invalid(invalid.Reason, invalid.Hint).At("route").Because(err)
	}
	if err != nil {
		return traefik.Route{}, err
	}
	return route, c.refuseReserved(route)
}

// ParsePort returns s as the port that an app listens on; empty is 0, which
// lets the image decide.
func (c *Controller) ParsePort(s string) (uint16, error) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, nil
	}
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not a port.", s),
			"Give a number from 1 to 65535, or leave the field empty to take the port that the image exposes.",
		).At("port")
	}
	return uint16(port), nil
}

func (c *Controller) refuseReserved(route traefik.Route) error {
	if c.isReservedHost(route.Host) {
		return problem.Invalid(
			fmt.Sprintf("The host %s is Berth's own.", route.Host),
			"Choose another host name for the app.",
		).At("route")
	}
	if err := c.refuseDeceptive(route.Host); err != nil {
		return err
	}
	for _, reserved := range app.ReservedPaths {
		path := strings.ToLower(string(route.Path))
		if path == reserved || strings.HasPrefix(path, reserved+"/") {
			return problem.Invalid(
				fmt.Sprintf("The path %s is reserved.", reserved),
				"Choose another path, such as /my-app.",
			).At("route")
		}
	}
	return nil
}

func (c *Controller) isReservedHost(host traefik.Host) bool {
	return host != "" && (slices.Contains(c.reserved, host) || c.domains != nil && c.domains.Reserves(host))
}

// refuseDeceptive refuses hosts that a person would take for the admin app's, and
// those that mean something inside of networks alone.
func (c *Controller) refuseDeceptive(host traefik.Host) error {
	for _, reserved := range c.reserved {
		if host != "" && host.LooksLike(reserved) {
			return problem.Invalid(
				fmt.Sprintf("The host %s looks like %s, where Berth itself is.", host.Both(), reserved),
				"Choose a host name that nobody takes for it.",
			).At("route")
		}
	}
	if strings.HasSuffix(string(host), ".internal") {
		return problem.Invalid(
			"Hosts that end in .internal are names inside of a network, of the engine's and the cloud's too.",
			"Use a domain of your own.",
		).At("route")
	}
	return nil
}
