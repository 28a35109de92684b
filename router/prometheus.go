package router

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/backup"
	"berth/controller/metrics/exposition"
)

// showPrometheus tells all that is measured, in the text that Prometheus reads.
func (a *admin) showPrometheus(v *visit) error {
	domains, err := a.domains.Domains(v.context())
	if err != nil {
		return err
	}
	report := exposition.Report{Version: a.version, States: a.metrics.States(), Now: a.now()}
	if err := errors.Join(a.reportApps(v.context(), &report), a.reportJobs(v.context(), &report)); err != nil {
		return err
	}
	for _, domain := range domains {
		if !domain.Seen.Until.IsZero() && !domain.Seen.Fallback {
			report.Certificates = append(report.Certificates, exposition.Certificate{Host: string(domain.Host), Ends: domain.Seen.Until})
		}
	}
	var text bytes.Buffer
	exposition.Write(&text, report)
	v.gin.Data(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", text.Bytes())
	return nil
}

// reportApps adds what the list of apps shows.
func (a *admin) reportApps(ctx context.Context, report *exposition.Report) error {
	views, err := a.apps.Apps(ctx)
	for _, view := range views {
		report.Apps = append(report.Apps, exposition.App{
			Name: string(view.Name), Release: view.Live, Wanted: view.Wanted == app.WantedRunning, Up: view.Observed.State == app.Running,
		})
	}
	return err
}

// reportJobs adds the alerts that fire, the heartbeat and the backups.
func (a *admin) reportJobs(ctx context.Context, report *exposition.Report) error {
	book, err := a.alerts.View(ctx)
	if err != nil {
		return err
	}
	for _, state := range book.States {
		if state.Phase == alert.Firing {
			report.Firing++
		}
	}
	heartbeat, err := a.heart.Heartbeat(ctx)
	if err != nil {
		return err
	}
	if heartbeat.On() {
		report.Heartbeat = &exposition.Job{GoodAt: heartbeat.GoodAt, Failing: heartbeat.Error != ""}
	}
	backups, err := a.backups.View(ctx)
	if err != nil {
		return err
	}
	for _, run := range slices.Backward(backups.Runs) {
		report.Backup = ran(report.Backup, run.State, run.BeganAt.Add(run.Took))
	}
	for _, run := range slices.Backward(backups.Drills) {
		report.Drill = ran(report.Drill, run.State, run.BeganAt.Add(run.Took))
	}
	return nil
}

// ran adds a later run to what is known of a job. One that people ended tells nothing.
func ran(job *exposition.Job, state backup.State, at time.Time) *exposition.Job {
	switch state {
	case backup.Done:
		return &exposition.Job{GoodAt: at}
	case backup.Failed:
		if job == nil {
			return &exposition.Job{Failing: true}
		}
		return &exposition.Job{GoodAt: job.GoodAt, Failing: true}
	default:
		return job
	}
}
