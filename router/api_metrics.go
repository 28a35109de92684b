package router

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"berth/controller/chart"
	"berth/controller/metrics"
	"berth/controller/problem"
	"berth/router/openapi"
)

// chartsJSON is what was measured in a range of time, as the charts of the pages show it.
type chartsJSON struct {
	Range  string      `json:"range"`
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
	Step   float64     `json:"step_seconds"` // between two values
	Charts []chartJSON `json:"charts"`
	Marks  []markJSON  `json:"marks"`
}

type chartJSON struct {
	Title string          `json:"title"`
	Unit  string          `json:"unit"` // number, percent, bytes, bytes_per_second, per_second or seconds
	Lines []chartLineJSON `json:"lines"`
}

type chartLineJSON struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"` // the oldest first; null: not measured
}

// markJSON is a release or a restart.
type markJSON struct {
	At    time.Time `json:"at"`
	Title string    `json:"title"`
	Bad   bool      `json:"bad"`
}

// The parameters of the rows that tell what was measured.
var (
	serverMetricsQuery = []openapi.Query{{Name: rangeParameter, Text: "How much of the past: hour (without it), day, week or month."}}
	appMetricsQuery    = append(slices.Clone(serverMetricsQuery), openapi.Query{Name: serviceParameter, Text: "A service of a compose app. None: the whole app."})
)

// apiShowMetrics tells what an app, or one of its services, has taken and answered.
func (a *admin) apiShowMetrics(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	shown, err := rangeOf(v.gin.Query(rangeParameter))
	if err != nil {
		return err
	}
	asked := v.gin.Query(serviceParameter)
	subject, service := subjectOf(view, asked)
	if service != asked {
		return problem.NotFound(fmt.Sprintf("The app %s has no service called %.60q.", view.Name, asked), "Its services are in the answer of GET /api/v1/apps/"+string(view.Name)+".")
	}
	releases, err := a.releases.Releases(v.context(), view.Name)
	if err != nil {
		return err
	}
	bins, err := a.binsOf(v, shown, subject, view.CreatedAt)
	if err != nil {
		return err
	}
	marks := append(releaseMarks(releases), restartMarks(bins)...)
	return v.json(http.StatusOK, chartsJSONOf(shown, bins, appCharts(bins, service == ""), marks))
}

// apiShowServerMetrics tells what the server has used, and what all apps have answered.
func (a *admin) apiShowServerMetrics(v *visit) error {
	shown, err := rangeOf(v.gin.Query(rangeParameter))
	if err != nil {
		return err
	}
	bins, err := a.binsOf(v, shown, metrics.Server, time.Time{})
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, chartsJSONOf(shown, bins, serverCharts(bins), nil))
}

func rangeOf(name string) (metrics.Range, error) {
	shown := metrics.RangeNamed(name)
	if name == "" || shown.Name == name {
		return shown, nil
	}
	var names []string
	for _, one := range metrics.Ranges() {
		names = append(names, one.Name)
	}
	return shown, problem.Invalid(fmt.Sprintf("There is no range called %.60q.", name), "Give one of "+strings.Join(names, ", ")+".").At(rangeParameter)
}

func chartsJSONOf(shown metrics.Range, bins chart.Bins, charts []chartOf, marks []chart.Mark) chartsJSON {
	told := chartsJSON{
		Range: shown.Name, From: bins.From.UTC(), To: bins.To.UTC(), Step: shown.Long.Seconds() / float64(len(bins.Points)),
		Charts: make([]chartJSON, 0, len(charts)), Marks: []markJSON{},
	}
	for _, one := range charts {
		made := chartJSON{Title: one.title, Unit: one.unit.Name(), Lines: []chartLineJSON{}}
		for _, line := range one.lines {
			made.Lines = append(made.Lines, chartLineJSON{line.Name, measuredOf(line.Values)})
		}
		told.Charts = append(told.Charts, made)
	}
	for _, mark := range marks {
		if !mark.At.Before(bins.From) {
			told.Marks = append(told.Marks, markJSON{mark.At.UTC(), mark.Title, mark.Bad})
		}
	}
	return told
}

// measuredOf has null in place of what is no number.
func measuredOf(values []float64) []*float64 {
	told := make([]*float64, len(values))
	for at, value := range values {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			told[at] = &value
		}
	}
	return told
}
