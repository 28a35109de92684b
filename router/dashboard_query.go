package router

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/label"
)

// The fields of the dashboard's view, as they stand in its address.
const (
	fieldText    = "text"
	fieldState   = "state"
	fieldTag     = "tag"
	fieldProject = label.FieldProject
	fieldSort    = "sort"
	fieldPage    = "page"

	fieldView = "view" // all of them, in a form that comes back to the dashboard
)

// dashboardPath is the address of the dashboard.
const dashboardPath = "/admin"

// The orders of the dashboard. The zero value shows what needs attention first, and then
// one project after the other.
const (
	byAttention = ""
	byName      = "name"
	byState     = "state"
	byRelease   = "release"
	byMemory    = "memory"
	byCPU       = "cpu"
)

// needsAttention is the state that the filter has beside those of apps.
const needsAttention = "attention"

// noProject is the project of those apps that have none, in the filter alone: no name of a
// project begins like this.
const noProject = "-"

// longestText is how much of a search counts, in bytes.
const longestText = 200

// dashboardQuery says which apps the dashboard shows, in which order. All of it stands in
// the address. What an address holds that cannot be is taken as absent.
type dashboardQuery struct {
	Text, State, Tag, Project, Sort string
	Page                            int // 1 is the first
}

// States are the options of the filter of states.
func (dashboardQuery) States() []choice {
	made := []choice{{needsAttention, "needs attention"}}
	for _, state := range []app.State{app.Running, app.Unhealthy, app.Crashing, app.Down, app.Stopped, app.Waiting, app.Deleting} {
		made = append(made, choice{string(state), appBadge(state).Word})
	}
	return made
}

// Sorts are the options of the order.
func (dashboardQuery) Sorts() []choice {
	return []choice{
		{byAttention, "Projects, attention first"},
		{byName, "Name"},
		{byState, "State, worst first"},
		{byRelease, "Last release"},
		{byMemory, "Memory, most first"},
		{byCPU, "CPU, most first"},
	}
}

func typedDashboardQuery(query url.Values) dashboardQuery {
	q := dashboardQuery{Tag: query.Get(fieldTag), Project: query.Get(fieldProject)}
	q.Text = strings.ToValidUTF8(query.Get(fieldText), "")
	q.Text = strings.ToValidUTF8(q.Text[:min(len(q.Text), longestText)], "")
	if state := query.Get(fieldState); slices.ContainsFunc(q.States(), func(c choice) bool { return c.Value == state }) {
		q.State = state
	}
	if sort := query.Get(fieldSort); slices.ContainsFunc(q.Sorts(), func(c choice) bool { return c.Value == sort }) {
		q.Sort = sort
	}
	page, err := strconv.Atoi(query.Get(fieldPage))
	q.Page = 1
	if err == nil {
		q.Page = max(1, page)
	}
	return q
}

// Filtered reports whether some apps are left out.
func (q dashboardQuery) Filtered() bool {
	return cmp.Or(strings.TrimSpace(q.Text), q.State, q.Tag, q.Project) != ""
}

// Path leads to the dashboard as it is.
func (q dashboardQuery) Path() string { return q.at(dashboardPath) }

// Events leads to the stream of the dashboard as it is.
func (q dashboardQuery) Events() string { return q.at(dashboardPath + "/events") }

// Query is the dashboard as it is, to be sent along in a form.
func (q dashboardQuery) Query() string { return strings.TrimPrefix(q.at(""), "?") }

// By leads to the same apps in another order, from the first page on.
func (q dashboardQuery) By(sort string) string {
	q.Sort, q.Page = sort, 1
	return q.Path()
}

// On leads to another page of the same list.
func (q dashboardQuery) On(page int) string {
	q.Page = page
	return q.Path()
}

// Cleared leads to all apps in the same order.
func (q dashboardQuery) Cleared() string { return dashboardQuery{Sort: q.Sort}.Path() }

func (q dashboardQuery) at(path string) string {
	query := make(url.Values)
	for field, text := range map[string]string{fieldText: q.Text, fieldState: q.State, fieldTag: q.Tag, fieldProject: q.Project, fieldSort: q.Sort} {
		if text != "" {
			query.Set(field, text)
		}
	}
	if q.Page > 1 {
		query.Set(fieldPage, strconv.Itoa(q.Page))
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// column is a head of the table of apps, with the order that a click on it asks for.
type column struct {
	Label, Class string
	Path         string // empty where nothing is ordered by it
	Order        string // of the present list, as aria-sort has it; empty: another one
}

// Columns are the heads of the table, but for that of the buttons.
func (p dashboardPage) Columns() []column {
	made := []column{
		p.column("App", byName, "ascending"), p.column("State", byState, "descending"),
		{Label: "Route"},
		p.column("Release", byRelease, "descending"), p.column("Memory", byMemory, "descending"), p.column("CPU", byCPU, "descending"),
	}
	made[len(made)-1].Class = "number"
	return made
}

func (p dashboardPage) column(label, sort, order string) column {
	made := column{Label: label, Path: p.Query.By(sort)}
	if p.Query.Sort == sort {
		made.Order = order
	}
	return made
}

// tagPath leads to the apps with a tag.
func tagPath(tag string) string { return dashboardQuery{Tag: tag}.Path() }

// projectPath leads to the apps of a project.
func projectPath(project string) string { return dashboardQuery{Project: project}.Path() }
