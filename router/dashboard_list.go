package router

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/traefik"
)

// appsOnAPage is how many apps the dashboard shows at once.
const appsOnAPage = 50

// otherApps are those that have no project and need no attention.
const otherApps = "Other apps"

// listed is an app with what the dashboard sorts it by.
type listed struct {
	*controller.AppView
	need     int      // how much it needs attention; 0: not at all
	troubles []string // what no other fact of its row tells
}

// How much what is wrong with an app needs attention.
const (
	needLittle = iota + 1 // an alert fires, or a certificate has a problem
	needSome              // the newest release failed, an older one answers
	needMuch              // it does not answer well, or was never deployed
	needMost              // it does not answer
)

// listedOf weighs an app. Troubles are what else is wrong with apps and hosts.
func listedOf(view *controller.AppView, known troubles) listed {
	made := listed{AppView: view, troubles: known.of(view)}
	if len(made.troubles) > 0 {
		made.need = needLittle
	}
	if failed := view.Latest != nil && view.Latest.State == app.ReleaseFailed; failed && view.Observed.State != app.Deleting {
		made.need = needSome
		if view.Live == 0 {
			made.need = needMuch
		}
	}
	switch view.Observed.State {
	case app.Unhealthy:
		made.need = needMuch
	case app.Crashing, app.Down:
		made.need = needMost
	}
	return made
}

// shows reports whether the filter lets an app through.
func (q dashboardQuery) shows(one listed) bool {
	switch {
	case q.State == needsAttention && one.need == 0,
		q.State != "" && q.State != needsAttention && q.State != string(one.Observed.State),
		q.Tag != "" && !slices.Contains(one.Labels.Tags, q.Tag),
		q.Project == noProject && one.Labels.Project != "",
		q.Project != "" && q.Project != noProject && q.Project != one.Labels.Project:
		return false
	}
	for word := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		if !one.has(word) {
			return false
		}
	}
	return true
}

// has reports whether a word is in what an app is called, by people or by browsers.
func (l listed) has(word string) bool {
	inRoute := func(route traefik.Route) bool {
		return strings.Contains(route.String(), word) || strings.Contains(route.Host.Unicode(), word)
	}
	return strings.Contains(string(l.Name), word) ||
		strings.Contains(strings.ToLower(l.Labels.Project), word) ||
		slices.ContainsFunc(l.Labels.Tags, func(tag string) bool { return strings.Contains(tag, word) }) ||
		slices.ContainsFunc(l.Routes, inRoute) || slices.ContainsFunc(l.Derived, inRoute)
}

// compare orders two apps; those that are equal go by name.
func (q dashboardQuery) compare(a, b listed) int {
	order := 0
	switch q.Sort {
	case byAttention:
		order = cmp.Or(cmp.Compare(b.need, a.need), compareProjects(a.Labels.Project, b.Labels.Project))
	case byState:
		order = cmp.Or(cmp.Compare(b.need, a.need), cmp.Compare(a.Observed.State, b.Observed.State))
	case byRelease:
		order = b.released().Compare(a.released())
	case byMemory:
		order = cmp.Compare(b.Usage.MemoryBytes, a.Usage.MemoryBytes)
	case byCPU:
		order = cmp.Compare(b.Usage.CPUPercent, a.Usage.CPUPercent)
	}
	return cmp.Or(order, cmp.Compare(a.Name, b.Name))
}

// compareProjects orders projects by name, and no project behind all of them.
func compareProjects(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(len(b), len(a))
	}
	return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

// released is when the newest release began; zero where there is none.
func (l listed) released() time.Time {
	if l.Latest == nil {
		return time.Time{}
	}
	return l.Latest.CreatedAt
}

// heading is what an app stands below; only one order has headings.
func (q dashboardQuery) heading(one listed) string {
	switch {
	case q.Sort != byAttention:
		return ""
	case one.need > 0:
		return "Needs attention"
	case one.Labels.Project != "":
		return one.Labels.Project
	default:
		return otherApps
	}
}

// pageOf is the part of a list that a page shows.
type pageOf struct {
	Number, Pages int
	All           int // in the whole list
	From, To      int // the first and the last one shown, counted from 1; 0 where there is none
}

// pageAt is the page of a list of that many; the last one for a number beyond it.
func pageAt(number, all int) pageOf {
	pages := max(1, (all+appsOnAPage-1)/appsOnAPage)
	number = min(number, pages)
	first := (number - 1) * appsOnAPage
	return pageOf{Number: number, Pages: pages, All: all, From: min(first+1, all), To: min(first+appsOnAPage, all)}
}

// Previous and Next are the numbers of the pages around this one; 0 where there is none.
func (p pageOf) Previous() int { return p.Number - 1 }

// Next is the number of the page behind this one; 0 where there is none.
func (p pageOf) Next() int {
	if p.Number == p.Pages {
		return 0
	}
	return p.Number + 1
}
