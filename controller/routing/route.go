package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// ParseRoute returns s as a route that an app may claim: "/sample",
// "app.example.com" or "example.com/api". A reserved one is a Problem.
func (r *Routes) ParseRoute(s string) (traefik.Route, error) {
	route, err := traefik.ParseRoute(strings.TrimSpace(s))
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return traefik.Route{}, problem.Invalid(invalid.Reason, invalid.Hint).At("route").Because(err)
	}
	if err != nil {
		return traefik.Route{}, err
	}
	return route, r.refuseReserved(route)
}

func (r *Routes) refuseReserved(route traefik.Route) error {
	if r.isReservedHost(route.Host) {
		return problem.Invalid(
			fmt.Sprintf("The host %s is Berth's own.", route.Host),
			"Choose another host name for the app.",
		).At("route")
	}
	if err := r.refuseDeceptive(route.Host); err != nil {
		return err
	}
	if err := r.refuseWideWildcard(route.Host); err != nil {
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

// isReservedHost reports whether the host is Berth's own, or covers one that is.
func (r *Routes) isReservedHost(host traefik.Host) bool {
	if slices.ContainsFunc(r.reserved, host.Matches) || r.admin.Reserves(host) {
		return true
	}
	return host != "" && (slices.Contains(r.reserved, host) || r.domains != nil && r.domains.Reserves(host))
}

// refuseDeceptive refuses hosts that a person would take for the admin app's, and
// those that mean something inside of networks alone.
func (r *Routes) refuseDeceptive(host traefik.Host) error {
	seen := host
	if parent, wildcard := host.Parent(); wildcard {
		seen = parent
	}
	for _, reserved := range r.reserved {
		if seen != "" && seen.LooksLike(reserved) {
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
