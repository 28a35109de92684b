package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

// Waiver is the name of a security exception, which loosens the hardening policy of an
// app.
type Waiver string

// The security exceptions that an app can have.
const (
	WaiverWritableRoot Waiver = "writable-root"
	// WaiverDatabase gives the official images of databases the rights that they need to
	// start: root at first, and the capabilities to change file owners and drop root.
	WaiverDatabase Waiver = "database"
	// WaiverRootStart is for services that start as root and drop root later: it gives what
	// WaiverDatabase gives, and a writable root.
	WaiverRootStart Waiver = "root-start"
)

// Label is the security exception's name on pages and in the audit log.
func (w Waiver) Label() string { return strings.ReplaceAll(string(w), "-", " ") }

// ParseForbiddenWaivers reads the operator's list, separated by commas.
func ParseForbiddenWaivers(s string) ([]Waiver, error) {
	var waivers []Waiver
	for name := range strings.SplitSeq(s, ",") {
		switch waiver := Waiver(strings.TrimSpace(name)); waiver {
		case "":
		case WaiverWritableRoot, WaiverDatabase, WaiverRootStart:
			waivers = append(waivers, waiver)
		default:
			return nil, fmt.Errorf("%.60q is not a security exception", name)
		}
	}
	return waivers, nil
}

// Forbids reports whether a waiver, or a part of what it gives, is among the forbidden.
func Forbids(forbidden []Waiver, waiver Waiver) bool {
	if slices.Contains(forbidden, waiver) {
		return true
	}
	return waiver == WaiverRootStart && (slices.Contains(forbidden, WaiverDatabase) || slices.Contains(forbidden, WaiverWritableRoot))
}

// mostServiceNames is more than a compose file can hold.
const mostServiceNames = 100

var serviceNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ServiceNames are names of services of a compose app, as ParseServiceNames returns them:
// sorted, each once, separated by commas.
type ServiceNames string

// ParseServiceNames reads names separated by commas or spaces, or returns a Problem.
func ParseServiceNames(s string) (ServiceNames, error) {
	names := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	for _, name := range names {
		if !serviceNamePattern.MatchString(name) {
			return "", problem.Invalid(
				fmt.Sprintf("%.70q is not the name of a service.", name),
				"Write the names as in the compose file, with commas between, or leave the field empty.",
			).At("database_services")
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > mostServiceNames {
		return "", problem.Invalid(
			fmt.Sprintf("There are more than %d names of services.", mostServiceNames),
			"Name those alone that are databases.",
		).At("database_services")
	}
	return ServiceNames(strings.Join(names, ",")), nil
}

// List returns the names one by one.
func (n ServiceNames) List() []string {
	if n == "" {
		return nil
	}
	return strings.Split(string(n), ",")
}

// Granted returns the security exceptions of the settings.
func (s Settings) Granted() []Waiver {
	var held []Waiver
	if s.WritableRoot {
		held = append(held, WaiverWritableRoot)
	}
	if s.Database {
		held = append(held, WaiverDatabase)
	}
	if s.Choices.RootStart != "" {
		held = append(held, WaiverRootStart)
	}
	return held
}

// Waivers returns the names of the security exceptions in the settings.
func (s Settings) Waivers() []string {
	var names []string
	for _, waiver := range s.Granted() {
		name := waiver.Label()
		if waiver == WaiverDatabase && s.DatabaseServices != "" {
			name += " (" + NameList(s.DatabaseServices.List()) + ")"
		}
		if waiver == WaiverRootStart {
			name += " (" + NameList(s.Choices.RootStart.List()) + ")"
		}
		names = append(names, name)
	}
	return names
}

// Loosens reports whether the settings add a security exception to before, a service to
// an exception, or a host that the app may connect to.
func (s Settings) Loosens(before Settings) bool {
	if s.WritableRoot && !before.WritableRoot {
		return true
	}
	if s.GivesRootStart(before) || s.Egress.Loosens(before.Egress) {
		return true
	}
	return s.Database && (!before.Database || s.DatabaseServices != before.DatabaseServices)
}

// GivesRootStart reports whether the settings give WaiverRootStart to a service that does
// not have it in before.
func (s Settings) GivesRootStart(before Settings) bool {
	return slices.ContainsFunc(s.Choices.RootStart.List(), func(name string) bool { return !before.StartsAsRoot(name) })
}

// StartsAsRoot reports whether a service has WaiverRootStart, by its name.
func (s Settings) StartsAsRoot(service string) bool {
	return slices.Contains(s.Choices.RootStart.List(), service)
}
