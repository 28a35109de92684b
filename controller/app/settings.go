package app

import (
	"fmt"
	"strconv"
	"strings"

	"berth/controller/egress"
	"berth/controller/plan"
	"berth/controller/problem"
)

const (
	// BytesPerMB is the unit in which people give memory.
	BytesPerMB = 1 << 20
	// NanosPerPercent is one percent of a core, in billionths of a core.
	NanosPerPercent = 10_000_000
)

// LeastLimits are the smallest limits of an app: hardly any program starts with less than
// 16 MB, 5% of a core or 10 processes.
func LeastLimits() plan.Limits {
	return plan.Limits{MemoryBytes: 16 * BytesPerMB, NanoCPUs: 5 * NanosPerPercent, Processes: 10}
}

// Settings are the operator's decisions about an app, beside its archive. An app has the
// settings of its next upload, and a release has the settings that it runs with.
type Settings struct {
	Port         uint16 // of the app; 0 means the port of the image
	MemoryBytes  int64
	NanoCPUs     int64 // billionths of a core
	Processes    int64 // threads count too
	WritableRoot bool  // a security exception: the root file system is writable
	Database     bool  // a security exception: the rights that databases need to start
	// DatabaseServices are the services of a compose app that have the exception
	// Database; empty means the services with a known database image.
	DatabaseServices ServiceNames
	Fallback         bool // a static site answers unknown paths with its index.html, from its next build on
	Choices          Choices
	Readiness        Readiness
	Egress           egress.Egress // where the app may connect to
}

// DefaultSettings returns the limits of the hardening policy, and no security exception.
func DefaultSettings() Settings { return SettingsOf(plan.DefaultLimits()) }

// SettingsOf returns settings with these limits alone.
func SettingsOf(limits plan.Limits) Settings {
	return Settings{MemoryBytes: limits.MemoryBytes, NanoCPUs: limits.NanoCPUs, Processes: limits.Processes}
}

// SettingsForm is Settings in the units of a form.
type SettingsForm struct {
	Port         string // empty means the port of the image
	Memory       string // MB
	CPU          string // percent of one core
	Processes    string
	WritableRoot bool
	Database     bool
	// DatabaseServices are names separated by commas; empty means the known databases.
	DatabaseServices string
	Fallback         bool
	Choices          ChoicesForm
	Readiness        ReadinessForm
	Egress           egress.Form
}

// Form returns the settings as a person types them.
func (s Settings) Form() SettingsForm {
	form := SettingsForm{
		Memory:       strconv.FormatInt(s.MemoryBytes/BytesPerMB, 10),
		CPU:          strconv.FormatInt(s.NanoCPUs/NanosPerPercent, 10),
		Processes:    strconv.FormatInt(s.Processes, 10),
		WritableRoot: s.WritableRoot,
		Database:     s.Database, DatabaseServices: strings.Join(s.DatabaseServices.List(), ", "),
		Fallback: s.Fallback, Choices: s.Choices.Form(), Readiness: s.Readiness.Form(), Egress: s.Egress.Form(),
	}
	if s.Port != 0 {
		form.Port = strconv.Itoa(int(s.Port))
	}
	return form
}

// ParseLimits reads the fields of the form that need no decision of the operator, with
// limits up to most.
func ParseLimits(form SettingsForm, most plan.Limits) (Settings, problem.Problems) {
	least, parsed := LeastLimits(), Settings{WritableRoot: form.WritableRoot, Database: form.Database, Fallback: form.Fallback}
	var problems problem.Problems
	var err error
	parsed.MemoryBytes, err = limitField{"memory", "memory limit", "MB", BytesPerMB, least.MemoryBytes, most.MemoryBytes}.parse(form.Memory)
	problems = problems.With(err)
	parsed.NanoCPUs, err = limitField{"cpu", "CPU limit", "percent of a core", NanosPerPercent, least.NanoCPUs, most.NanoCPUs}.parse(form.CPU)
	problems = problems.With(err)
	parsed.Processes, err = limitField{"processes", "limit of processes", "processes", 1, least.Processes, most.Processes}.parse(form.Processes)
	problems = problems.With(err)
	if form.Database {
		parsed.DatabaseServices, err = ParseServiceNames(form.DatabaseServices)
		problems = problems.With(err)
	}
	var wrong problem.Problems
	parsed.Choices, wrong = ParseChoices(form.Choices)
	problems = append(problems, wrong...)
	parsed.Readiness, wrong = ParseReadiness(form.Readiness)
	problems = append(problems, wrong...)
	parsed.Egress, wrong = egress.Parse(form.Egress)
	problems = append(problems, wrong...)
	if longest := most.LongestStart(); parsed.Readiness.StartTime > longest {
		problems = problems.With(problem.Invalid(
			fmt.Sprintf("The start time %s is longer than an app can have here.", StartTimeText(parsed.Readiness.StartTime)),
			fmt.Sprintf("Give at most %s, or raise BERTH_LIMITS_START.", StartTimeText(longest)),
		).At(FieldStartTime))
	}
	return parsed, problems
}

// limitField is a field of the form with a whole number of a unit.
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
	return 0, problem.Invalid(
		fmt.Sprintf("%.20q is not a %s that an app can have here.", text, f.name),
		fmt.Sprintf("Give a whole number of %s from %d to %d.", f.unit, least, most),
	).At(f.field).Because(err)
}

// Run returns the settings of an instance, without those that only matter to a build or
// to the start of the next release.
func (s Settings) Run() Settings {
	s.Fallback, s.Choices, s.Readiness = false, Choices{RootStart: s.Choices.RootStart}, Readiness{Scheme: s.Readiness.Scheme}
	s.Egress = s.Egress.Run()
	return s
}

// WithLimits returns the settings with the limits of other.
func (s Settings) WithLimits(other Settings) Settings {
	s.MemoryBytes, s.NanoCPUs, s.Processes = other.MemoryBytes, other.NanoCPUs, other.Processes
	return s
}

// Within returns the settings with no limit above most.
func (s Settings) Within(most plan.Limits) Settings {
	s.MemoryBytes = min(s.MemoryBytes, most.MemoryBytes)
	s.NanoCPUs = min(s.NanoCPUs, most.NanoCPUs)
	s.Processes = min(s.Processes, most.Processes)
	return s
}

// PlanOptions returns the settings in the form of the plan, which makes every service.
func (s Settings) PlanOptions() plan.Options {
	return s.Choices.addTo(plan.Options{
		Port:    s.Port,
		Limits:  plan.Limits{MemoryBytes: s.MemoryBytes, NanoCPUs: s.NanoCPUs, Processes: s.Processes},
		Waivers: plan.Waivers{WritableRoot: s.WritableRoot, Database: s.Database},
		// In a compose app, Database applies only to these services.
		DatabaseServices: s.DatabaseServices.List(),
		Fallback:         s.Fallback,
	})
}
