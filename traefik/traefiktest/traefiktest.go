// Package traefiktest reads configurations of the proxy in tests.
package traefiktest

import (
	"slices"

	"berth/traefik"
)

// Rules are the rules of the plain entry point, with the service of each.
func Rules(configuration *traefik.Configuration) map[string]string {
	found := make(map[string]string)
	if configuration == nil || configuration.HTTP == nil {
		return found
	}
	for _, router := range configuration.HTTP.Routers {
		if slices.Contains(router.EntryPoints, traefik.EntryPointWeb) {
			found[router.Rule] = router.Service
		}
	}
	return found
}

// Ports are the public ports by their names, such as port-2222-tcp, with the address that
// each leads to.
func Ports(configuration *traefik.Configuration) map[string]string {
	found := make(map[string]string)
	if configuration == nil {
		return found
	}
	add := func(services map[string]*traefik.StreamService) {
		for name, service := range services {
			found[name] = service.LoadBalancer.Servers[0].Address
		}
	}
	if configuration.TCP != nil {
		add(configuration.TCP.Services)
	}
	if configuration.UDP != nil {
		add(configuration.UDP.Services)
	}
	return found
}
