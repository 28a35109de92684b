package routing

import (
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/traefik"
)

// refuseWideWildcard refuses a wildcard host that covers what belongs to everybody, to
// Berth itself, or to the apps that have hosts by their names.
func (r *Routes) refuseWideWildcard(host traefik.Host) error {
	parent, wildcard := host.Parent()
	if !wildcard {
		return nil
	}
	if _, err := domaincheck.RegisteredDomain(parent); err != nil {
		return problem.Invalid(
			fmt.Sprintf("Everybody can have a host below %s.", parent),
			"Use a domain of your own, as in *.example.com.",
		).At("route")
	}
	for _, reserved := range r.reserved {
		if host.Matches(reserved) || isBelow(parent, reserved) {
			return problem.Invalid(
				fmt.Sprintf("%s covers %s, where Berth itself is, or hosts below it.", host, reserved),
				"Choose another domain for the app.",
			).At("route")
		}
	}
	if r.base != "" && (host.Matches(r.base) || parent == r.base) {
		return problem.Invalid(
			fmt.Sprintf("%s covers hosts that apps have by their names, from the base domain %s.", host, r.base),
			"Choose another domain for the app.",
		).At("route")
	}
	return nil
}

// isBelow reports whether the host is the domain, or anywhere below it.
func isBelow(host, domain traefik.Host) bool {
	return host == domain || strings.HasSuffix(string(host), "."+string(domain))
}

// wildcardFindings say what a certificate of a wildcard host needs.
func (r *Routes) wildcardFindings(host traefik.Host) []domaincheck.Finding {
	if !host.IsWildcard() || r.domains == nil || r.domains.Issues(host) {
		return nil
	}
	return []domaincheck.Finding{{
		About: domaincheck.AboutChallenge, Outcome: domaincheck.Bad,
		Message: fmt.Sprintf("No authority is asked for a certificate of %s: only a challenge over DNS can prove a wildcard, and no DNS provider is set.", host),
		Hint:    "Set a DNS provider on the settings page Proxy, or upload a certificate of your own for it after it is added.",
	}}
}

// foreignWildcard refuses a wildcard below NAME.base to all apps but that of the name.
func (r *Routes) foreignWildcard(name app.Name, host traefik.Host) error {
	parent, wildcard := host.Parent()
	label, below := strings.CutSuffix(string(parent), "."+string(r.base))
	if r.base == "" || !wildcard || !below || label == string(name) {
		return nil
	}
	return problem.Conflict(
		fmt.Sprintf("The hosts below %s are kept for the app that is called %s.", parent, label),
		"Use another domain.",
	).At("route")
}
