package controller

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Waiver is the name of what loosens the hardening policy of an app.
type Waiver string

// The waivers that an app can be given.
const (
	WaiverWritableRoot Waiver = "writable-root"
	// WaiverDatabase is what the official images of databases need to start: root
	// inside at first, and the capabilities to give files away and step down.
	WaiverDatabase Waiver = "database"
)

// Label is the waiver as pages and the audit log name it.
func (w Waiver) Label() string { return strings.ReplaceAll(string(w), "-", " ") }

// ParseForbiddenWaivers reads the operator's list, with commas between.
func ParseForbiddenWaivers(s string) ([]Waiver, error) {
	var waivers []Waiver
	for name := range strings.SplitSeq(s, ",") {
		switch waiver := Waiver(strings.TrimSpace(name)); waiver {
		case "":
		case WaiverWritableRoot, WaiverDatabase:
			waivers = append(waivers, waiver)
		default:
			return nil, fmt.Errorf("%.60q is not a security exception", name)
		}
	}
	return waivers, nil
}

// mostServiceNames is more than a compose file may hold.
const mostServiceNames = 100

var serviceNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ServiceNames are names of services of a compose app, as ParseServiceNames made
// them: sorted, each once, with commas between.
type ServiceNames string

// ParseServiceNames reads names with commas or spaces between, or returns a Problem.
func ParseServiceNames(s string) (ServiceNames, error) {
	names := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	for _, name := range names {
		if !serviceNamePattern.MatchString(name) {
			return "", &Problem{
				Kind: KindInvalid, Field: "database_services",
				Message: fmt.Sprintf("%.70q is not the name of a service.", name),
				Hint:    "Write the names as in the compose file, with commas between, or leave the field empty.",
			}
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > mostServiceNames {
		return "", &Problem{
			Kind: KindInvalid, Field: "database_services",
			Message: fmt.Sprintf("There are more than %d names of services.", mostServiceNames), Hint: "Name those alone that are databases.",
		}
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

// waivers are those that the settings hold.
func (s Settings) waivers() []Waiver {
	var held []Waiver
	if s.WritableRoot {
		held = append(held, WaiverWritableRoot)
	}
	if s.Database {
		held = append(held, WaiverDatabase)
	}
	return held
}

// Waivers are the names of what loosens the hardening policy in the settings.
func (s Settings) Waivers() []string {
	var names []string
	for _, waiver := range s.waivers() {
		name := waiver.Label()
		if waiver == WaiverDatabase && s.DatabaseServices != "" {
			name += " (" + NameList(s.DatabaseServices.List()) + ")"
		}
		names = append(names, name)
	}
	return names
}

// Loosens reports whether the settings hold a waiver, or for a service, that before did not.
func (s Settings) Loosens(before Settings) bool {
	if s.WritableRoot && !before.WritableRoot {
		return true
	}
	return s.Database && (!before.Database || s.DatabaseServices != before.DatabaseServices)
}

// ForbiddenWaivers are the waivers that the operator gives to no app.
func (c *Controller) ForbiddenWaivers() []Waiver { return slices.Clone(c.forbidden) }

// checkWaivers refuses settings that hold a waiver which the operator forbids.
func (c *Controller) checkWaivers(settings Settings) error {
	for _, waiver := range settings.waivers() {
		if slices.Contains(c.forbidden, waiver) {
			return &Problem{
				Kind: KindConflict, Field: strings.ReplaceAll(string(waiver), "-", "_"),
				Message: fmt.Sprintf("The security exception %q is forbidden on this server.", waiver.Label()),
				Hint:    "Take it out of the app's settings, or have the operator change BERTH_FORBID_WAIVERS.",
			}
		}
	}
	return nil
}

// recordWaivers records each waiver that the new settings of the app give or take.
func (c *Controller) recordWaivers(ctx context.Context, app App, settings Settings, by string) {
	record := func(action Action, names, without []string) {
		for _, name := range names {
			if slices.Contains(without, name) {
				continue
			}
			c.audit.Record(ctx, AuditEvent{
				Action: action, Resource: "app " + string(app.Name), Success: true, Account: by, Detail: name,
			})
		}
	}
	before, after := app.Settings.Waivers(), settings.Waivers()
	record(ActionWaiverGrant, after, before)
	record(ActionWaiverRevoke, before, after)
}
