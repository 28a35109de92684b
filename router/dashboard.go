package router

import (
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/certificates"
	"berth/controller/room"
	"berth/templates"
)

type dashboardPage struct {
	frame
	Rows    []templates.Part // the part "row" of each app
	Running int

	Reserved []reservedRow // routes of all apps that do not answer
	Suggest  bool          // a second factor
	Red      int           // rows of the checklist
	Alerts   []certificates.DomainAlert
	Volumes  []volumeWarning // over their quota for now
	Disk     room.Level      // how much free space there is
	Failing  []string        // channels of alerts

	Backup, Proven time.Time // the last one, and when one was last proven; zero: none
}

func (a *admin) showHome(v *visit) error { return v.seeOther("/admin") }

func (a *admin) showDashboard(v *visit) error {
	page, err := a.dashboard(v)
	if err != nil {
		return err
	}
	if page.Alerts, err = a.domains.Alerts(v.context()); err != nil {
		return err
	}
	if page.Failing, err = a.failingChannels(v); err != nil {
		return err
	}
	page.Red = a.redRows()
	page.Disk = a.disks.Level()
	if page.Backup, page.Proven, err = a.backupAges(v); err != nil {
		return err
	}
	for _, warning := range a.volumes.Warnings() {
		page.Volumes = append(page.Volumes, volumeWarningOf(warning))
	}
	return v.page(http.StatusOK, "dashboard", page)
}

// streamDashboard sends the list of apps again when it looks different.
func (a *admin) streamDashboard(v *visit) error {
	shown := ""
	return a.watch(v, watching{pause: time.Second, every: 5 * time.Second}, func(stream *eventStream) (bool, error) {
		page, err := a.dashboard(v)
		if err != nil {
			return false, err
		}
		rows, err := v.fragment("dashboard", "apps", page)
		if err != nil || rows == shown {
			return false, err
		}
		shown = rows
		return false, stream.send("apps", "", rows)
	})
}

func (a *admin) dashboard(v *visit) (dashboardPage, error) {
	views, err := a.apps.Apps(v.context())
	if err != nil {
		return dashboardPage{}, err
	}
	page := dashboardPage{frame: v.frame("Apps")}
	page.Section = "apps"
	page.Suggest = !v.caller.account.SecondFactor && !v.caller.account.Declined
	rows := make([]appRow, 0, len(views))
	for _, view := range views {
		row := v.appRow(view)
		rows = append(rows, row)
		page.Reserved = append(page.Reserved, row.Reserved...)
		if view.Observed.State == app.Running {
			page.Running++
		}
	}
	page.Rows, err = a.rows.render(a.templates, rows)
	return page, err
}
