package router

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// Settings reads and changes what an operator chose for an app.
type Settings interface {
	SettingsRange() (least, most app.SettingsForm)
	ParseSettings(app.SettingsForm) (app.Settings, error)
	ForbiddenWaivers() []app.Waiver
	UpdateSettings(ctx context.Context, app app.Name, settings app.Settings, by string) (app.Release, error)
	UpdateAccess(context.Context, app.Name, app.AccessChange) (traefik.Access, error)
}

// The fields of the settings beside fieldPort, as the controller's problems name them.
const (
	fieldMemory       = "memory"
	fieldCPU          = "cpu"
	fieldProcesses    = "processes"
	fieldWritableRoot = "writable_root"
	fieldDatabase     = "database"
	fieldServices     = "database_services"
	fieldFallback     = "fallback"
)

// settingField is one field of the settings that takes a number.
type settingField struct {
	Name, Label, Unit string
	Value             string // as it was typed
	Hint              string
	Problem           *problem.Problem
}

// SettingFields are the page's fields of the settings but for the waiver.
func (p appPage) SettingFields() []settingField {
	least, most, typed := p.LeastSettings, p.MostSettings, p.Settings
	between := func(least, most string) string { return fmt.Sprintf("From %s to %s.", least, most) }
	fields := []settingField{
		{Name: fieldMemory, Label: "Memory", Unit: "MB", Value: typed.Memory, Hint: between(least.Memory, most.Memory)},
		{Name: fieldCPU, Label: "CPU", Unit: "% of a core", Value: typed.CPU, Hint: between(least.CPU, most.CPU)},
		{Name: fieldProcesses, Label: "Processes", Unit: "and threads", Value: typed.Processes, Hint: between(least.Processes, most.Processes)},
		{Name: fieldPort, Label: "Port", Unit: "optional", Value: typed.Port, Hint: "Default: the image's exposed port."},
	}
	for i := range fields {
		fields[i].Problem = p.Problems[fields[i].Name]
	}
	return fields
}

// updateSettings gives an app new settings: 303 to the page of the release that
// runs with them, or to the app's own where there is nothing to run.
func (a *admin) updateSettings(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	form := typedSettings(v.request().PostForm)
	form.Egress = view.Settings.Egress.Form() // it has a form of its own
	settings, err := a.settings.ParseSettings(form)
	if err != nil {
		return a.refuseOnApp(v, view.Name, tabSettings, err)
	}
	release, err := a.settings.UpdateSettings(v.context(), view.Name, settings, v.caller.name())
	if err != nil {
		return a.refuseOnApp(v, view.Name, tabSettings, err)
	}
	return v.seeSaved(fmt.Sprintf("Settings of %s", view.Name), tabPath(view.Name, tabSettings), release)
}

// seeSaved leads to the release that makes the new settings true, or says that they wait
// for the next deploy, on the page that it leads back to.
func (v *visit) seeSaved(what, back string, release app.Release) error {
	if release.Number != 0 {
		return v.seeResult(releasePath(release.ReleaseID))
	}
	if err := v.notify(what + " saved for the next deploy."); err != nil {
		return err
	}
	return v.seeOther(back)
}

func typedSettings(form url.Values) app.SettingsForm {
	return app.SettingsForm{
		Port: form.Get(fieldPort), Memory: form.Get(fieldMemory), CPU: form.Get(fieldCPU), Processes: form.Get(fieldProcesses),
		WritableRoot: form.Get(fieldWritableRoot) != "",
		Database:     form.Get(fieldDatabase) != "", DatabaseServices: form.Get(fieldServices),
		Fallback: form.Get(fieldFallback) != "",
		Choices:  typedChoices(form.Get), Readiness: typedReadiness(form.Get),
	}
}

// typedReadiness reads when a release counts as ready.
func typedReadiness(get func(string) string) app.ReadinessForm {
	return app.ReadinessForm{
		By: get(app.FieldReady), Path: get(app.FieldReadyPath), Status: get(app.FieldReadyStatus),
		StartTime: get(app.FieldStartTime), Scheme: get(app.FieldScheme),
	}
}

// typedChoices reads what a person chose about a compose file.
func typedChoices(get func(string) string) app.ChoicesForm {
	return app.ChoicesForm{
		Main: get(app.FieldMain), Profiles: get(app.FieldProfiles), Compose: get(app.FieldCompose),
		Volumes: isTicked(get(app.FieldVolumes)), Dotenv: isTicked(get(app.FieldDotenv)),
		Bound:        get(app.FieldBound),
		ImageVolumes: isTicked(get(app.FieldImageVolumes)), RootStart: get(app.FieldRootStart),
	}
}

// waiversOf are what loosens the hardening policy for the app, now or from its
// next release on.
func waiversOf(found app.App, releases []app.Release) []badge {
	names := found.Settings.Waivers()
	for _, release := range releases {
		if release.State == app.ReleaseLive {
			names = append(names, release.Settings.Waivers()...)
		}
	}
	slices.Sort(names)
	var badges []badge
	for _, name := range slices.Compact(names) {
		tone := toneBad
		if strings.HasPrefix(name, app.WaiverRootStart.Label()) {
			tone = toneWarn // between the hardening and the exceptions
		}
		badges = append(badges, badge{Word: "Security exception: " + name, Tone: tone})
	}
	return badges
}

// waiverField is a checkbox of the settings that loosens the hardening.
type waiverField struct {
	Name, Label, Hint string
	Given, Forbidden  bool // as it was typed; by the operator
	Problem           *problem.Problem
}

// RootStartForbidden reports whether the operator forbids root start.
func (p appPage) RootStartForbidden() bool { return app.Forbids(p.Forbidden, app.WaiverRootStart) }

// WaiverFields are the page's waivers.
func (p appPage) WaiverFields() []waiverField {
	fields := []waiverField{
		{
			Name: fieldWritableRoot, Label: "Writable root", Given: p.Settings.WritableRoot,
			Hint:      "The app can write outside /tmp too, where its user may. What it writes is gone with its next release.",
			Forbidden: slices.Contains(p.Forbidden, app.WaiverWritableRoot),
		},
		{
			Name: fieldDatabase, Label: "Database", Given: p.Settings.Database,
			Hint:      "What the official images of databases need: root inside at the start, and the capabilities CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID to change file owners and drop root.",
			Forbidden: slices.Contains(p.Forbidden, app.WaiverDatabase),
		},
	}
	for i := range fields {
		fields[i].Problem = p.Problems[fields[i].Name]
	}
	return fields
}
