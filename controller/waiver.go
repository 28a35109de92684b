package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/problem"
)

// ForbiddenWaivers are the waivers that the operator gives to no app.
func (c *Controller) ForbiddenWaivers() []app.Waiver { return slices.Clone(c.forbidden) }

// checkWaivers refuses settings that hold a waiver which the operator forbids.
func (c *Controller) checkWaivers(settings app.Settings) error {
	for _, waiver := range settings.Granted() {
		if app.Forbids(c.forbidden, waiver) {
			return problem.Conflict(
				fmt.Sprintf("The security exception %q is forbidden on this server.", waiver.Label()),
				"Take it out of the app's settings, or have the operator change BERTH_FORBID_WAIVERS.",
			).At(strings.ReplaceAll(string(waiver), "-", "_"))
		}
	}
	return nil
}

// recordWaivers records each waiver that the new settings of the app give or take.
func (c *Controller) recordWaivers(ctx context.Context, app app.App, settings app.Settings, by string) {
	record := func(action audit.Action, names, without []string) {
		for _, name := range names {
			if slices.Contains(without, name) {
				continue
			}
			c.audit.Record(ctx, audit.Event{
				Action: action, Resource: "app " + string(app.Name), Success: true, Account: by, Detail: name,
			})
		}
	}
	before, after := app.Settings.Waivers(), settings.Waivers()
	record(audit.ActionWaiverGrant, after, before)
	record(audit.ActionWaiverRevoke, before, after)
}
