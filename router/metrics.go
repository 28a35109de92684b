package router

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"berth/controller"

	"berth/controller/app"
	"berth/controller/chart"
	"berth/controller/metrics"
	"berth/controller/metrics/history"
)

// Metrics tells what is measured, now and before.
type Metrics interface {
	// States are what is known at the moment, the server first and apps by name.
	States() []metrics.State
	// Recent is an app's use of the processor in the last minutes; below zero where it is not known.
	Recent(app string) []float64
	Read(context.Context, metrics.Subject, metrics.Range, time.Time) ([]history.At, error)
}

// The parameters of what was measured.
const (
	rangeParameter   = "range"
	serviceParameter = "service"
)

// chartBins is how many parts a chart of each range has: enough for a wide screen, and each
// long enough to hold a reading of an app that nobody looks at.
var chartBins = map[string]int{"hour": 60, "day": 96, "week": 84, "month": 90}

type metricsPage struct {
	frame
	App      app.Name // empty: the server
	Path     string   // of the page
	Ranges   []metricsChoice
	Services []metricsChoice // of a compose app; empty: it has only one
	Range    string
	Charts   []chart.Chart
	At       time.Time
}

// metricsChoice is a link that shows the page with something else.
type metricsChoice struct {
	Word   string
	Path   string
	Chosen bool
}

// showAppMetrics shows what an app, or one of its services, has taken and answered.
func (a *admin) showAppMetrics(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	releases, err := a.releases.Releases(v.context(), view.Name)
	if err != nil {
		return err
	}
	subject, service := subjectOf(view, v.gin.Query(serviceParameter))
	page := metricsPage{frame: v.frame("Metrics of "+string(view.Name)).on(view.Name, tabOverview), App: view.Name, Path: appPath(view.Name) + "/metrics"}
	bins, err := a.measured(v, &page, subject, service, view.CreatedAt)
	if err != nil {
		return err
	}
	if len(view.Services) > 1 {
		page.Services = append(page.Services, metricsChoice{Word: "all services", Path: metricsPath(page, page.Range, ""), Chosen: service == ""})
		for _, one := range view.Services {
			page.Services = append(page.Services, metricsChoice{Word: one.Name, Path: metricsPath(page, page.Range, one.Name), Chosen: service == one.Name})
		}
	}
	page.Charts = chartsOf(appCharts(bins, service == ""), bins, append(releaseMarks(releases), restartMarks(bins)...))
	return v.page(http.StatusOK, "metrics", page)
}

// subjectOf is the service of the app that is called so, or the whole app.
func subjectOf(view controller.AppView, service string) (subject metrics.Subject, found string) {
	for _, one := range view.Services {
		if one.Name == service {
			return metrics.Service(string(view.Name), service), service
		}
	}
	return metrics.App(string(view.Name)), ""
}

// overviewCharts are the first charts of an app, of the shortest range; those without a
// value are left out.
func (a *admin) overviewCharts(v *visit, view controller.AppView, releases []app.Release) (shown string, charts []chart.Chart, err error) {
	page := metricsPage{App: view.Name, Path: appPath(view.Name) + "/metrics"}
	bins, err := a.measured(v, &page, metrics.App(string(view.Name)), "", view.CreatedAt)
	if err != nil {
		return "", nil, err
	}
	const first = 4 // the processor, the memory, the requests and how long they took
	marks := append(releaseMarks(releases), restartMarks(bins)...)
	charts = chartsOf(appCharts(bins, true)[:first], bins, marks)
	return page.Range, slices.DeleteFunc(charts, func(c chart.Chart) bool { return c.Empty }), nil
}

// showServerMetrics shows what the server has used, and what all apps have answered.
func (a *admin) showServerMetrics(v *visit) error {
	page := metricsPage{frame: v.frame("Metrics of the server"), Path: machinePath + "/metrics"}
	page.Section, page.Tab = "settings", "machine"
	bins, err := a.measured(v, &page, metrics.Server, "", time.Time{})
	if err != nil {
		return err
	}
	page.Charts = chartsOf(serverCharts(bins), bins, nil)
	return v.page(http.StatusOK, "metrics", page)
}

// measured reads what the page shows. Points from before born are of an earlier app of that name.
func (a *admin) measured(v *visit, page *metricsPage, subject metrics.Subject, service string, born time.Time) (chart.Bins, error) {
	shown := metrics.RangeNamed(v.gin.Query(rangeParameter))
	bins, err := a.binsOf(v, shown, subject, born)
	page.Range, page.At = shown.Name, bins.To
	for _, one := range metrics.Ranges() {
		page.Ranges = append(page.Ranges, metricsChoice{Word: one.Name, Path: metricsPath(*page, one.Name, service), Chosen: one.Name == shown.Name})
	}
	return bins, err
}

// binsOf reads what was measured in the range up to now.
func (a *admin) binsOf(v *visit, shown metrics.Range, subject metrics.Subject, born time.Time) (chart.Bins, error) {
	now := a.now()
	bins := chart.NewBins(now.Add(-shown.Long), now, chartBins[shown.Name])
	points, err := a.metrics.Read(v.context(), subject, shown, now)
	if err != nil {
		return bins, err
	}
	for _, point := range points {
		if !point.Time.Add(shown.Tier.Width).Before(born) {
			bins.Add(point.Time, point.Point)
		}
	}
	return bins, nil
}

func metricsPath(page metricsPage, shown, service string) string {
	query := url.Values{rangeParameter: {shown}}
	if service != "" {
		query.Set(serviceParameter, service)
	}
	return page.Path + "?" + query.Encode()
}

func releaseMarks(releases []app.Release) []chart.Mark {
	var marks []chart.Mark
	for _, release := range releases {
		mark := chart.Mark{At: release.FinishedAt, Title: fmt.Sprintf("r%d is live", release.Number), Path: releasePath(release.ReleaseID)}
		switch release.State {
		case app.ReleaseLive, app.ReleaseSuperseded:
		case app.ReleaseFailed:
			mark.Title, mark.Bad = fmt.Sprintf("r%d failed", release.Number), true
		default:
			continue
		}
		if !mark.At.IsZero() {
			marks = append(marks, mark)
		}
	}
	return marks
}

func restartMarks(bins chart.Bins) []chart.Mark {
	var marks []chart.Mark
	bins.Counted(metrics.Restarts, func(at time.Time, count int64) {
		marks = append(marks, chart.Mark{At: at, Title: "started again " + plural(int(count), "time"), Bad: true})
	})
	return marks
}
