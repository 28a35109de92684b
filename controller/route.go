package controller

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth/traefik"
)

// reservedPaths belong to Berth and to certificate challenges. They are refused
// on a route without a host, where they could stand in for Berth's own pages.
var reservedPaths = []string{
	"/admin", "/login", "/logout", "/upload", "/static", "/traefik", "/volumes",
	"/settings", "/healthz", "/.well-known/acme-challenge",
}

// ParseRoute returns s as a route that an app may claim: "/sample",
// "app.example.com" or "example.com/api". A reserved one is a Problem.
func (c *Controller) ParseRoute(s string) (traefik.Route, error) {
	route, err := traefik.ParseRoute(strings.TrimSpace(s))
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return traefik.Route{}, &Problem{Kind: KindInvalid, Field: "route", Message: invalid.Reason, Hint: invalid.Hint, Err: err}
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
		return 0, &Problem{
			Kind: KindInvalid, Field: "port",
			Message: fmt.Sprintf("%.20q is not a port.", s),
			Hint:    "Give a number from 1 to 65535, or leave the field empty to take the port that the image exposes.",
		}
	}
	return uint16(port), nil
}

func (c *Controller) refuseReserved(route traefik.Route) error {
	if route.Host != "" && (slices.Contains(c.reserved, route.Host) || c.domains != nil && c.domains.Reserves(route.Host)) {
		return &Problem{
			Kind: KindInvalid, Field: "route",
			Message: fmt.Sprintf("The host %s is Berth's own.", route.Host),
			Hint:    "Choose another host name for the app.",
		}
	}
	for _, reserved := range reservedPaths {
		path := strings.ToLower(string(route.Path))
		if path == reserved || strings.HasPrefix(path, reserved+"/") {
			return &Problem{
				Kind: KindInvalid, Field: "route",
				Message: fmt.Sprintf("The path %s is reserved.", reserved),
				Hint:    "Choose another path, such as /my-app.",
			}
		}
	}
	return nil
}
