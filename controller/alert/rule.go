// Package alert says when people are told: rules over events and metrics, and a state machine that forgets nothing.
package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/event"
	"berth/controller/problem"
)

// Metric is something that a rule holds against a threshold; scripts know these words.
type Metric string

// The metrics. Of an app, but for those that say otherwise.
const (
	AppDown         Metric = "app_down"         // 1 while an app that should run is down or crashing
	CrashLoop       Metric = "crash_loop"       // ends and restarts within 10 minutes
	MemoryPercent   Metric = "memory_percent"   // of the app's limit
	CPUPercent      Metric = "cpu_percent"      // of one core
	LatencyP95      Metric = "latency_p95_ms"   // of requests
	CertificateDays Metric = "certificate_days" // of a host, until its certificate ends
	DiskPercent     Metric = "disk_percent"     // of the server, used
	BackupHours     Metric = "backup_hours"     // of the server, since the last whole backup
)

// about says a metric in words.
type about struct {
	metric Metric
	label  string // with the unit
	below  bool   // the threshold is a floor
}

var metrics = []about{
	{AppDown, "App down (1 is down)", false},
	{CrashLoop, "Restarts of an app in 10 minutes", false},
	{MemoryPercent, "Memory of an app, % of its limit", false},
	{CPUPercent, "CPU of an app, % of a core", false},
	{LatencyP95, "Latency p95 of an app, ms", false},
	{CertificateDays, "Days until a certificate expires", true},
	{DiskPercent, "Disk of the server, % used", false},
	{BackupHours, "Hours since the last backup", false},
}

// Metrics returns every metric in the order of a list to choose from.
func Metrics() []Metric {
	all := make([]Metric, len(metrics))
	for at, one := range metrics {
		all[at] = one.metric
	}
	return all
}

// Label is the metric in words.
func (m Metric) Label() string { return m.about().label }

// Below reports whether the rule fires below its threshold.
func (m Metric) Below() bool { return m.about().below }

func (m Metric) about() about {
	if at := slices.IndexFunc(metrics, func(a about) bool { return a.metric == m }); at >= 0 {
		return metrics[at]
	}
	return about{}
}

// Rule says when people are told. Exactly one of Event and Metric is set.
type Rule struct {
	ID        int64         `json:"id"`
	Name      string        `json:"name"`
	On        bool          `json:"on"`
	Event     event.Kind    `json:"event,omitempty"`
	Metric    Metric        `json:"metric,omitempty"`
	Apps      []string      `json:"apps,omitempty"` // none means all
	Threshold float64       `json:"threshold,omitempty"`
	Clear     float64       `json:"clear,omitempty"`    // it is over once the value is back at this
	For       time.Duration `json:"for,omitempty"`      // so long the value must be over the threshold
	Pause     time.Duration `json:"pause,omitempty"`    // at least, between two messages about one subject
	TellOver  bool          `json:"tell_over"`          // tell when it is over
	Quiet     Quiet         `json:"quiet"`              // nothing is told meanwhile
	Channels  []int64       `json:"channels,omitempty"` // none means all
}

// The bounds of rules.
const (
	MostRules = 50
	mostName  = 100
	mostApps  = 100
	mostFor   = 30 * 24 * time.Hour
)

// The fields that problems name.
const (
	FieldName      = "name"
	FieldWatch     = "watch"
	FieldApps      = "apps"
	FieldThreshold = "threshold"
	FieldClear     = "clear"
	FieldFor       = "for"
	FieldPause     = "pause"
	FieldQuiet     = "quiet"
	FieldZone      = "quiet_zone"
	FieldChannels  = "channels"
)

// Faults are all that is wrong with the rule itself.
func (r Rule) Faults() (faults problem.Problems) {
	refuse := func(field, message, hint string) { faults = append(faults, problem.Invalid(message, hint).At(field)) }
	if name := strings.TrimSpace(r.Name); name == "" || len(name) > mostName {
		refuse(FieldName, "The rule has no name, or a very long one.", fmt.Sprintf("Write 1 to %d characters.", mostName))
	}
	if (r.Event == "") == (r.Metric == "") || r.Event != "" && !r.Event.Known() || r.Metric != "" && r.Metric.Label() == "" {
		refuse(FieldWatch, "The rule watches nothing that there is.", "Choose one event or one metric.")
	}
	if len(r.Apps) > mostApps {
		refuse(FieldApps, "These are too many apps.", fmt.Sprintf("Name at most %d, or none for all.", mostApps))
	}
	if r.Metric != "" && !(r.Threshold >= 0 && r.Threshold < 1e9) {
		refuse(FieldThreshold, "This is not a threshold.", "Write a number from 0 up.")
	}
	if r.Metric != "" && (!(r.Clear >= 0 && r.Clear < 1e9) || r.Metric.Below() && r.Clear < r.Threshold || !r.Metric.Below() && r.Clear > r.Threshold) {
		refuse(FieldClear, "The value at which it is over lies on the wrong side of the threshold.", "Write the threshold itself, or a better value.")
	}
	if r.For < 0 || r.For > mostFor {
		refuse(FieldFor, "This is not a time that a rule waits.", "Write a time such as 2m, 30 days at most.")
	}
	if r.Pause < 0 || r.Pause > mostFor {
		refuse(FieldPause, "This is not a pause.", "Write a time such as 15m, 30 days at most.")
	}
	return append(faults, r.Quiet.check()...)
}

// NoChannel refuses a number that no channel has.
func NoChannel(number string) *problem.Problem {
	return problem.Invalid(fmt.Sprintf("There is no channel with the number %.20s.", number), "Choose channels of Settings, Alerts, or none for all.").At(FieldChannels)
}

// Covers reports whether the rule is about the subject.
func (r Rule) Covers(s Subject) bool {
	return len(r.Apps) == 0 || s.App != "" && slices.Contains(r.Apps, s.App)
}

// breached reports whether the value is beyond the threshold, or has not come back yet.
func (r Rule) breached(value float64, firing bool) bool {
	bound := r.Threshold
	if firing {
		bound = r.Clear
	}
	switch {
	case r.Metric.Below():
		return value < bound
	case firing:
		return value > bound || value == r.Threshold && r.Clear == r.Threshold
	default:
		return value >= bound
	}
}

// Defaults are the rules that are there from the start.
func Defaults() []Rule {
	return []Rule{
		{Name: "App down for 2 minutes", On: true, Metric: AppDown, Threshold: 1, For: 2 * time.Minute, Pause: 15 * time.Minute, TellOver: true},
		{Name: "Crash loop", On: true, Metric: CrashLoop, Threshold: 3, Pause: 15 * time.Minute, TellOver: true},
		{Name: "Release failed", On: true, Event: event.ReleaseFailed},
		{Name: "Certificate expires in 10 days", On: true, Metric: CertificateDays, Threshold: 10, Clear: 10, Pause: 24 * time.Hour, TellOver: true},
		{Name: "Disk over 85 %", On: true, Metric: DiskPercent, Threshold: 85, Clear: 80, For: 5 * time.Minute, Pause: 6 * time.Hour, TellOver: true},
		{Name: "Backup too old", On: true, Metric: BackupHours, Threshold: 26, Clear: 26, For: 10 * time.Minute, Pause: 24 * time.Hour, TellOver: true},
		{Name: "Backup failed", On: true, Event: event.BackupFailed, Pause: time.Hour, TellOver: true},
		{Name: "Sign-in locked", On: true, Event: event.SignInLocked, Pause: time.Hour},
	}
}
