// Package readings reads the metrics that rules of alerts hold against thresholds.
package readings

import (
	"context"
	"log/slog"
	"math"
	"time"

	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/backup"
	"berth/controller/certificates"
	"berth/controller/event"
	"berth/controller/metrics"
	"berth/controller/room"
)

// loopWindow is how far back restarts count for a crash loop.
const loopWindow = 10 * time.Minute

// Ledger knows apps and events.
type Ledger interface {
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
	CountByApp(ctx context.Context, since time.Time, kinds ...event.Kind) (map[string]int, error)
}

// Domains knows the certificates of hosts.
type Domains interface {
	Domains(context.Context) ([]certificates.DomainView, error)
}

// Backups knows when the last one was made.
type Backups interface {
	View(context.Context) (backup.View, error)
}

// Measured knows the newest measurements of apps.
type Measured interface{ States() []metrics.State }

// Readings asks all that are required.
type Readings struct {
	Ledger   Ledger
	Domains  Domains
	Backups  Backups
	Measured Measured
	Disk     room.Disk
	Logger   *slog.Logger
}

// Read returns the values of now. What cannot be read is left out.
func (r Readings) Read(ctx context.Context, now time.Time) map[alert.Metric][]alert.Reading {
	all := make(map[alert.Metric][]alert.Reading)
	for _, read := range []func(context.Context, time.Time, map[alert.Metric][]alert.Reading) error{r.apps, r.hosts, r.disk, r.backup} {
		if err := read(ctx, now, all); err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "read what alerts are about", "error", err)
		}
	}
	return all
}

func (r Readings) apps(ctx context.Context, now time.Time, all map[alert.Metric][]alert.Reading) error {
	apps, _, err := r.Ledger.ListOverview(ctx)
	if err != nil {
		return err
	}
	ended, err := r.Ledger.CountByApp(ctx, now.Add(-loopWindow), event.AppRestarted, event.AppOutOfMemory, event.AppExited)
	if err != nil {
		return err
	}
	for _, found := range apps {
		if found.Wanted != app.WantedRunning || found.Live == 0 {
			continue
		}
		subject := alert.Subject{App: string(found.Name)}
		down := alert.Reading{Subject: subject, Detail: found.Observed.Detail}
		if found.Observed.State == app.Down || found.Observed.State == app.Crashing {
			down.Value = 1
		}
		all[alert.AppDown] = append(all[alert.AppDown], down)
		all[alert.CrashLoop] = append(all[alert.CrashLoop], alert.Reading{Subject: subject, Value: float64(ended[string(found.Name)]), Detail: found.Observed.Detail})
	}
	for _, metric := range []alert.Metric{alert.AppDown, alert.CrashLoop, alert.MemoryPercent, alert.CPUPercent, alert.LatencyP95} {
		all[metric] = append([]alert.Reading{}, all[metric]...) // known, also of no app
	}
	for _, state := range r.Measured.States() {
		if state.App != "" && state.Service == "" {
			measured(state, all)
		}
	}
	return nil
}

// measured takes the newest levels of one app.
func measured(state metrics.State, all map[alert.Metric][]alert.Reading) {
	subject := alert.Subject{App: state.App}
	add := func(metric alert.Metric, value float64) {
		all[metric] = append(all[metric], alert.Reading{Subject: subject, Value: math.Round(value*10) / 10})
	}
	level := func(metric metrics.Metric) (float64, bool) {
		stored, ok := state.Values[metric]
		return metric.Value(float64(stored)), ok
	}
	used, _ := level(metrics.Memory)
	if size, ok := level(metrics.MemorySize); ok && size > 0 {
		add(alert.MemoryPercent, 100*used/size)
	}
	if cpu, ok := level(metrics.CPU); ok {
		add(alert.CPUPercent, cpu)
	}
	if latency, ok := level(metrics.LatencyP95); ok {
		add(alert.LatencyP95, 1000*latency)
	}
}

func (r Readings) hosts(ctx context.Context, now time.Time, all map[alert.Metric][]alert.Reading) error {
	views, err := r.Domains.Domains(ctx)
	if err != nil {
		return err
	}
	all[alert.CertificateDays] = []alert.Reading{}
	for _, view := range views {
		if !view.Served || view.From == certificates.SourceNone || view.Seen.Fallback || view.Seen.Until.IsZero() {
			continue
		}
		left := math.Floor(view.Seen.Until.Sub(now).Hours() / 24)
		all[alert.CertificateDays] = append(all[alert.CertificateDays], alert.Reading{
			Subject: alert.Subject{Host: string(view.Host)}, Value: left, Detail: "It ends " + view.Seen.Until.UTC().Format(time.DateOnly) + ".",
		})
	}
	return nil
}

func (r Readings) disk(_ context.Context, _ time.Time, all map[alert.Metric][]alert.Reading) error {
	state, err := r.Disk.Look()
	if err != nil || state.Size == 0 {
		return err
	}
	used := 100 * (1 - float64(state.Free)/float64(state.Size))
	all[alert.DiskPercent] = []alert.Reading{{Value: math.Round(used*10) / 10}}
	return nil
}

// backup counts the hours since the last whole backup. Without a schedule nobody waits
// for one, and without any run the schedule is new.
func (r Readings) backup(ctx context.Context, now time.Time, all map[alert.Metric][]alert.Reading) error {
	view, err := r.Backups.View(ctx)
	if err != nil {
		return err
	}
	all[alert.BackupHours] = []alert.Reading{}
	if !view.Settings.Ready() || !view.Settings.Scheduled || len(view.Runs) == 0 {
		return nil
	}
	reading, since := alert.Reading{Detail: "There is no whole backup."}, view.Runs[len(view.Runs)-1].BeganAt
	if view.Last != nil {
		since, reading.Detail = view.Last.BeganAt, "The last whole backup began "+view.Last.BeganAt.UTC().Format(time.DateTime)+" UTC."
	}
	reading.Value = math.Floor(10*now.Sub(since).Hours()) / 10
	all[alert.BackupHours] = append(all[alert.BackupHours], reading)
	return nil
}
