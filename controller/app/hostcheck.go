package app

import (
	"slices"
	"time"

	"berth/controller/domaincheck"
	"berth/traefik"
)

// HostCheck is what a check of a host found.
type HostCheck struct {
	Host     traefik.Host
	At       time.Time
	Findings []domaincheck.Finding // none where the host was never checked
}

// Warnings are the findings that a person should mend.
func (c HostCheck) Warnings() []domaincheck.Finding {
	var warnings []domaincheck.Finding
	for _, finding := range c.Findings {
		if finding.Outcome == domaincheck.Bad {
			warnings = append(warnings, finding)
		}
	}
	return warnings
}

// Good reports whether everything that was asked has a good answer.
func (c HostCheck) Good() bool {
	return len(c.Findings) > 0 && !slices.ContainsFunc(c.Findings, func(f domaincheck.Finding) bool { return f.Outcome != domaincheck.Good })
}
