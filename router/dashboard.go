package router

import (
	"net/http"
	"slices"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/certificates"
	"berth/controller/room"
	"berth/examples"
	"berth/templates"
)

type dashboardPage struct {
	frame
	Query    dashboardQuery
	Page     pageOf
	Groups   []appGroup
	Apps     int // in all
	Running  int // of all
	Projects []string
	Tags     []string

	Reserved []reservedRow // routes of all apps that do not answer
	Suggest  bool          // a second factor
	Red      int           // rows of the checklist
	Alerts   []certificates.DomainAlert
	Volumes  []volumeWarning // over their quota for now
	Disk     room.Level      // how much free space there is
	Failing  []string        // channels of alerts
	Silent   bool            // the heartbeat fails

	Backup, Proven time.Time // the last one, and when one was last proven; zero: none
}

// Example is the name of what an empty dashboard offers to try.
func (dashboardPage) Example() string { return examples.All()[0].Name }

// appGroup is apps that stand below one heading.
type appGroup struct {
	Heading string           // empty where there is but one group
	Count   int              // in the whole list
	Rows    []templates.Part // the part "row" of each app on this page
}

func (a *admin) showHome(v *visit) error { return v.seeOther(dashboardPath) }

func (a *admin) showDashboard(v *visit) error {
	page, err := a.dashboard(v)
	if err != nil {
		return err
	}
	if page.Failing, err = a.failingChannels(v); err != nil {
		return err
	}
	heartbeat, err := a.heart.Heartbeat(v.context())
	if err != nil {
		return err
	}
	page.Silent = heartbeat.Failing(a.now())
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
	a.apps.Looked()
	views, err := a.apps.Apps(v.context())
	if err != nil {
		return dashboardPage{}, err
	}
	page := dashboardPage{frame: v.frame("Apps"), Query: typedDashboardQuery(v.request().URL.Query()), Apps: len(views)}
	page.Section = "apps"
	page.Suggest = !v.caller.account.SecondFactor && !v.caller.account.Declined
	if page.Alerts, err = a.domains.Alerts(v.context()); err != nil {
		return dashboardPage{}, err
	}
	book, err := a.alerts.View(v.context())
	if err != nil {
		return dashboardPage{}, err
	}
	list := page.take(views, troublesOf(book, page.Alerts))
	page.Groups, err = a.groups(v, page.Query, page.Page, list)
	return page, err
}

// take counts all apps, and returns those that the query asks for, in its order.
func (p *dashboardPage) take(views []controller.AppView, known troubles) []listed {
	list := make([]listed, 0, len(views))
	for i := range views {
		view := &views[i]
		if view.Observed.State == app.Running {
			p.Running++
		}
		p.Reserved = append(p.Reserved, reservedRows(*view)...)
		p.Tags = append(p.Tags, view.Labels.Tags...)
		if view.Labels.Project != "" {
			p.Projects = append(p.Projects, view.Labels.Project)
		}
		if one := listedOf(view, known); p.Query.shows(one) {
			list = append(list, one)
		}
	}
	slices.Sort(p.Tags)
	p.Tags = slices.Compact(p.Tags)
	slices.SortFunc(p.Projects, compareProjects)
	p.Projects = slices.Compact(p.Projects)
	slices.SortFunc(list, p.Query.compare)
	p.Page = pageAt(p.Query.Page, len(list))
	p.Query.Page = p.Page.Number
	return list
}

// groups renders the apps of one page of the list, below their headings.
func (a *admin) groups(v *visit, query dashboardQuery, page pageOf, list []listed) ([]appGroup, error) {
	counts := make(map[string]int)
	for _, one := range list {
		counts[query.heading(one)]++
	}
	shown := list[max(0, page.From-1):page.To]
	rows := make([]appRow, 0, len(shown))
	for _, one := range shown {
		row := v.appRow(*one.AppView)
		row.Troubles = one.troubles
		rows = append(rows, row)
	}
	parts, err := a.rows.render(a.templates, rows)
	if err != nil {
		return nil, err
	}
	var groups []appGroup
	for i, one := range shown {
		heading := query.heading(one)
		if i == 0 || heading != query.heading(shown[i-1]) {
			groups = append(groups, appGroup{Heading: heading, Count: counts[heading]})
		}
		last := &groups[len(groups)-1]
		last.Rows = append(last.Rows, parts[i])
	}
	if len(counts) == 1 && groups[0].Heading == otherApps {
		groups[0].Heading = ""
	}
	return groups, nil
}
