package controller

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"berth/controller/plan"
)

const (
	bytesPerMB      = 1 << 20
	nanosPerPercent = 10_000_000 // billionths of a core in a percent of one
)

// LeastLimits are the smallest limits that an app can be given: with less than
// 16 MB, 5% of a core or 10 processes hardly any program starts.
func LeastLimits() plan.Limits {
	return plan.Limits{MemoryBytes: 16 * bytesPerMB, NanoCPUs: 5 * nanosPerPercent, Processes: 10}
}

// Settings is what the operator decides about an app beside its archive. The app
// has those that its next upload gets, a release those that it runs with.
type Settings struct {
	Port         uint16 // that the app listens on; 0 lets the image decide
	MemoryBytes  int64
	NanoCPUs     int64 // billionths of a core
	Processes    int64 // threads count too
	WritableRoot bool  // a waiver: the root file system can be written to
	Database     bool  // a waiver: what databases need to start
	// DatabaseServices are the services of a compose app that Database holds for;
	// empty: those whose image is a known database.
	DatabaseServices ServiceNames
	Fallback         bool // a static site answers unknown paths with its index.html, once it is built anew
}

// DefaultSettings returns the limits of the hardening policy, and no waiver.
func DefaultSettings() Settings { return settingsOf(plan.DefaultLimits()) }

func settingsOf(limits plan.Limits) Settings {
	return Settings{MemoryBytes: limits.MemoryBytes, NanoCPUs: limits.NanoCPUs, Processes: limits.Processes}
}

// SettingsForm is Settings in the units in which a person gives them.
type SettingsForm struct {
	Port         string // empty lets the image decide
	Memory       string // MB
	CPU          string // percent of one core
	Processes    string
	WritableRoot bool
	Database     bool
	// DatabaseServices are names with commas between; empty for the known databases.
	DatabaseServices string
	Fallback         bool
}

// Form returns what a person would type for the settings.
func (s Settings) Form() SettingsForm {
	form := SettingsForm{
		Memory:       strconv.FormatInt(s.MemoryBytes/bytesPerMB, 10),
		CPU:          strconv.FormatInt(s.NanoCPUs/nanosPerPercent, 10),
		Processes:    strconv.FormatInt(s.Processes, 10),
		WritableRoot: s.WritableRoot,
		Database:     s.Database, DatabaseServices: strings.Join(s.DatabaseServices.List(), ", "),
		Fallback: s.Fallback,
	}
	if s.Port != 0 {
		form.Port = strconv.Itoa(int(s.Port))
	}
	return form
}

// SettingsRange returns the least and the most of each limit that ParseSettings
// takes; the most is the operator's maximum.
func (c *Controller) SettingsRange() (least, most SettingsForm) {
	return settingsOf(LeastLimits()).Form(), settingsOf(c.most).Form()
}

// ParseSettings returns the settings that a person typed, or Problems, one for
// each field that is wrong: port, memory, cpu, processes, database_services, or a
// waiver that the operator forbids.
func (c *Controller) ParseSettings(form SettingsForm) (Settings, error) {
	port, err := c.ParsePort(form.Port)
	parsed, wrong := parseLimits(form, c.most)
	parsed.Port = port
	problems := append(Problems{}.with(err), wrong...)
	problems = problems.with(c.checkWaivers(parsed))
	if len(problems) > 0 {
		return Settings{}, problems
	}
	return parsed, nil
}

// parseLimits returns what of the form needs no decision of the operator, with the limits up to
// most.
func parseLimits(form SettingsForm, most plan.Limits) (Settings, Problems) {
	least, parsed := LeastLimits(), Settings{WritableRoot: form.WritableRoot, Database: form.Database, Fallback: form.Fallback}
	var problems Problems
	var err error
	parsed.MemoryBytes, err = limitField{"memory", "memory limit", "MB", bytesPerMB, least.MemoryBytes, most.MemoryBytes}.parse(form.Memory)
	problems = problems.with(err)
	parsed.NanoCPUs, err = limitField{"cpu", "CPU limit", "percent of a core", nanosPerPercent, least.NanoCPUs, most.NanoCPUs}.parse(form.CPU)
	problems = problems.with(err)
	parsed.Processes, err = limitField{"processes", "limit of processes", "processes", 1, least.Processes, most.Processes}.parse(form.Processes)
	problems = problems.with(err)
	if form.Database {
		parsed.DatabaseServices, err = ParseServiceNames(form.DatabaseServices)
		problems = problems.with(err)
	}
	return parsed, problems
}

// limitField is a field of the form that takes a whole number of a unit.
type limitField struct {
	field, name, unit string
	size              int64 // of the unit
	least, most       int64 // not in the unit
}

func (f limitField) parse(text string) (int64, error) {
	least, most := f.least/f.size, f.most/f.size
	count, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err == nil && count >= least && count <= most {
		return count * f.size, nil
	}
	return 0, &Problem{
		Kind: KindInvalid, Field: f.field, Err: err,
		Message: fmt.Sprintf("%.20q is not a %s that an app can have here.", text, f.name),
		Hint:    fmt.Sprintf("Give a whole number of %s from %d to %d.", f.unit, least, most),
	}
}

// UpdateSettings gives the app settings that ParseSettings returned. Where its
// live release runs with others, it queues a release that runs the same image
// with these, without a build and without a gap; else there is nothing to run,
// and the zero Release is returned. Fallback alone is for the next upload: it is
// part of the image.
func (c *Controller) UpdateSettings(ctx context.Context, name AppName, settings Settings, by string) (Release, error) {
	app, live, unlock, err := c.lockLive(ctx, name)
	if err != nil {
		return Release{}, err
	}
	defer unlock()
	switch {
	case app.Live != 0 && live.Settings.run() != settings.run():
		wish := rerunOf(live, by)
		wish.Services, wish.Archive = live.again(settings), live.Archive
		wish.Settings, wish.Mounts, wish.NewSettings = settings, app.Mounts, true
		return c.queueRerun(ctx, app, wish)
	case app.Settings != settings:
		err := c.ledger.UpdateSettings(ctx, name, settings)
		c.notices.notify(name)
		if err == nil {
			c.recordWaivers(ctx, app, settings, by)
		}
		return Release{}, claimProblem(err, app)
	default:
		return Release{}, nil
	}
}

// run returns what an instance runs with, without what only a build looks at.
func (s Settings) run() Settings {
	s.Fallback = false
	return s
}

// within returns the settings with no limit above most.
func (s Settings) within(most plan.Limits) Settings {
	s.MemoryBytes = min(s.MemoryBytes, most.MemoryBytes)
	s.NanoCPUs = min(s.NanoCPUs, most.NanoCPUs)
	s.Processes = min(s.Processes, most.Processes)
	return s
}

// permitted are the options with what the operator allows.
func (c *Controller) permitted(options plan.Options) plan.Options {
	options.Most, options.Registries = c.most, c.registries
	return options
}

// planOptions is how the settings reach the plan; every service is made of it.
func (s Settings) planOptions() plan.Options {
	return plan.Options{
		Port:    s.Port,
		Limits:  plan.Limits{MemoryBytes: s.MemoryBytes, NanoCPUs: s.NanoCPUs, Processes: s.Processes},
		Waivers: plan.Waivers{WritableRoot: s.WritableRoot, Database: s.Database},
		// Of a compose app, Database holds for these alone.
		DatabaseServices: s.DatabaseServices.List(),
		Fallback:         s.Fallback,
	}
}
