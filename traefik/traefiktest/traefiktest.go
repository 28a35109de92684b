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
