package app

import (
	"slices"
	"time"

	"berth/controller/domaincheck"
	"berth/traefik"
)

// HostCheck is the result of a check of a host.
type HostCheck struct {
	Host     traefik.Host
	At       time.Time
	Findings []domaincheck.Finding // none if the host was never checked
}

// Warnings are the findings that a person should fix.
func (c HostCheck) Warnings() []domaincheck.Finding {
	var warnings []domaincheck.Finding
	for _, finding := range c.Findings {
		if finding.Outcome == domaincheck.Bad {
			warnings = append(warnings, finding)
		}
	}
	return warnings
}

// Good reports whether every check passed.
func (c HostCheck) Good() bool {
	return len(c.Findings) > 0 && !slices.ContainsFunc(c.Findings, func(f domaincheck.Finding) bool { return f.Outcome != domaincheck.Good })
}
