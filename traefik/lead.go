package traefik

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Some routes of an app may lead to another of its services, or to another port, than the
// others. Such a route has a service of its own in the proxy, and while the release is
// under verification a verify host of its own.

// At returns the target as a route of it sees it: with the address that the route leads
// to.
func (t Target) At(route Route) Target {
	address, elsewhere := t.Leads[route]
	if !elsewhere || address == t.Address {
		return t
	}
	return t.led(address)
}

// led is the target with another address, where http is spoken. Without one, nobody
// answers there.
func (t Target) led(address string) Target {
	t.Address, t.Scheme, t.Site, t.lead = address, "", false, hashOf(address)
	t.Unavailable = t.Unavailable || address == ""
	return t
}

// parts are the target itself and, for each other address of its Leads, the target there.
func (t Target) parts() []Target {
	parts := []Target{t}
	for _, address := range slices.Compact(slices.Sorted(maps.Values(t.Leads))) {
		if address != "" && address != t.Address {
			parts = append(parts, t.led(address))
		}
	}
	return parts
}

// checkLeads checks the addresses. A route that nobody answers shows a page.
func (t Target) checkLeads() error {
	for _, route := range slices.SortedFunc(maps.Keys(t.Leads), func(a, b Route) int { return cmp.Compare(a.String(), b.String()) }) {
		address := t.Leads[route]
		if address == "" && t.Proving {
			continue
		}
		if address == "" {
			address = t.Pages
		}
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("route %.80q: %w", route.String(), err)
		}
	}
	return nil
}
