package readings

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/backup"
	"berth/controller/certificates"
	"berth/controller/event"
	"berth/controller/metrics"
	"berth/controller/room"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// world is a server with two apps that should run and one that is stopped.
type world struct {
	backups backup.View
	fail    error
}

func (w world) ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) {
	return []app.App{
		{Name: "shop", Live: 1, Wanted: app.WantedRunning, Observed: app.Observed{State: app.Down, Detail: "It ended with exit code 1."}},
		{Name: "blog", Live: 1, Wanted: app.WantedRunning, Observed: app.Observed{State: app.Running}},
		{Name: "idle", Live: 1, Wanted: app.WantedStopped, Observed: app.Observed{State: app.Stopped}},
	}, nil, w.fail
}

func (w world) CountByApp(_ context.Context, since time.Time, _ ...event.Kind) (map[string]int, error) {
	return map[string]int{"shop": int(noon.Sub(since).Minutes())}, nil
}

func (w world) Domains(context.Context) ([]certificates.DomainView, error) {
	served := certificates.DomainView{Domain: certificates.Domain{Host: "a.example.com", Seen: certificates.Seen{Until: noon.Add(9*24*time.Hour + time.Hour)}}, Served: true, From: certificates.SourceOwn}
	unused := served
	unused.Served = false
	return []certificates.DomainView{served, unused}, nil
}

func (w world) View(context.Context) (backup.View, error) { return w.backups, nil }

func (w world) States() []metrics.State {
	values := metrics.Values{}
	values.Set(metrics.Memory, 256<<20)
	values.Set(metrics.MemorySize, 512<<20)
	values.Set(metrics.LatencyP95, 0.25)
	return []metrics.State{{Values: values}, {App: "shop", Values: values}, {App: "shop", Service: "web", Values: values}}
}

func TestRead_TakesWhatIsKnownAndLeavesTheRestOut(t *testing.T) {
	w := world{backups: backup.View{Settings: backup.Settings{Repository: "r", Scheduled: true}, Last: &backup.Run{BeganAt: noon.Add(-30 * time.Hour)}, Runs: make([]backup.Run, 1)}}
	read := func() map[alert.Metric][]alert.Reading {
		return Readings{Ledger: w, Domains: w, Backups: w, Measured: w, Disk: room.Of(t.TempDir()), Logger: slog.New(slog.DiscardHandler)}.Read(t.Context(), noon)
	}
	all := read()
	for metric, want := range map[alert.Metric][]float64{
		alert.AppDown: {1, 0}, alert.CrashLoop: {10, 0}, alert.MemoryPercent: {50}, alert.LatencyP95: {250}, alert.CPUPercent: {},
		alert.CertificateDays: {9}, alert.BackupHours: {30},
	} {
		readings, known := all[metric]
		if !known || len(readings) != len(want) {
			t.Errorf("%s: %+v", metric, readings)
			continue
		}
		for at := range want {
			if readings[at].Value != want[at] {
				t.Errorf("%s: %+v, want %v", metric, readings[at], want[at])
			}
		}
	}
	if used := all[alert.DiskPercent]; len(used) != 1 || used[0].Value <= 0 || used[0].Value > 100 {
		t.Errorf("disk: %+v", used)
	}
	w.backups.Settings.Scheduled, w.fail = false, errors.New("the ledger is closed")
	all = read()
	if _, known := all[alert.AppDown]; known {
		t.Error("apps are known although they could not be read")
	}
	if readings, known := all[alert.BackupHours]; !known || len(readings) != 0 {
		t.Errorf("without a schedule: %+v", readings)
	}
}
