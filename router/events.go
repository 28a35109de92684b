package router

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/event"
	"berth/controller/problem"
	"berth/router/openapi"
)

// Events tells what happened.
type Events interface {
	ListEvents(context.Context, event.Filter, event.Page) ([]event.Event, error)
}

const (
	eventsPath     = "/events"
	apiEvents      = "/api/v1/events"
	eventsPageSize = 50
	mostAPIEvents  = 500 // in one answer
)

// The fields of the filter that the filter of the audit log does not have.
const (
	filterApp  = "app"
	filterKind = "kind"
)

type eventsPage struct {
	frame
	Rows     []eventRow
	Filter   eventFilter
	Filtered bool
	Kinds    []event.Kind
	Apps     []string
	Problems fieldProblems
	Older    string // path; empty where there are none
	Newer    string
	Reset    string
}

// eventRow is an event as the page shows it.
type eventRow struct {
	event.Event
	Badge badge
	Path  string // to the app or the release; empty where there is none
}

// eventFilter is the filter as it was typed.
type eventFilter struct{ App, Kind, From, To string }

func typedEventFilter(query url.Values) eventFilter {
	return eventFilter{query.Get(filterApp), query.Get(filterKind), query.Get(filterFrom), query.Get(filterTo)}
}

// parse returns what the ledger is asked for, and what cannot be asked.
func (f eventFilter) parse() (event.Filter, fieldProblems) {
	problems := fieldProblems{}
	filter := event.Filter{App: f.App, Kind: event.Kind(f.Kind), From: problems.parseDay(filterFrom, f.From)}
	if f.Kind != "" && !filter.Kind.Known() {
		problems[filterKind] = problem.Invalid("There is no such kind of event.", "Choose one of the list, such as release.failed.").At(filterKind)
	}
	if to := problems.parseDay(filterTo, f.To); !to.IsZero() {
		filter.To = to.AddDate(0, 0, 1) // the day itself included
	}
	return filter, problems
}

// path leads to a page of the events with this filter.
func (f eventFilter) path(key, value string) string {
	query := url.Values{}
	for field, text := range map[string]string{filterApp: f.App, filterKind: f.Kind, filterFrom: f.From, filterTo: f.To, key: value} {
		if text != "" {
			query.Set(field, text)
		}
	}
	return eventsPath + "?" + query.Encode()
}

// showEvents is what happened, the newest first.
func (a *admin) showEvents(v *visit) error {
	page := eventsPage{frame: v.frame("Events"), Filter: typedEventFilter(v.request().URL.Query()), Kinds: event.Kinds(), Reset: eventsPath}
	page.Section, page.Filtered = "events", page.Filter != eventFilter{}
	filter, problems := page.Filter.parse()
	page.Problems = problems
	apps, err := a.apps.Apps(v.context())
	if err != nil {
		return err
	}
	for _, one := range apps {
		page.Apps = append(page.Apps, string(one.Name))
	}
	if len(problems) == 0 {
		if err := a.listEvents(v, &page, filter); err != nil {
			return err
		}
	}
	return v.page(problems.status(), "events", page)
}

// listEvents fills in the rows of the page that the address names, and the ways on.
func (a *admin) listEvents(v *visit, page *eventsPage, filter event.Filter) error {
	cursor := event.Page{Before: v.cursor("before"), Limit: eventsPageSize + 1}
	if cursor.Before == 0 {
		cursor.After = v.cursor("after")
	}
	events, err := a.events.ListEvents(v.context(), filter, cursor)
	if err != nil {
		return err
	}
	more := len(events) > eventsPageSize
	older, newer := more, cursor.Before != 0
	if cursor.After != 0 {
		older, newer = true, more
		events = events[len(events)-min(len(events), eventsPageSize):]
	}
	events = events[:min(len(events), eventsPageSize)]
	for _, one := range events {
		page.Rows = append(page.Rows, eventRowOf(one))
	}
	if len(events) > 0 && older {
		page.Older = page.Filter.path("before", strconv.FormatInt(events[len(events)-1].ID, 10))
	}
	if len(events) > 0 && newer {
		page.Newer = page.Filter.path("after", strconv.FormatInt(events[0].ID, 10))
	}
	return nil
}

func eventRowOf(e event.Event) eventRow {
	row := eventRow{Event: e, Badge: badge{e.Kind.Words(), map[event.Level]string{event.Warning: toneWarn, event.Error: toneBad}[e.Kind.Level()]}}
	switch {
	case e.App != "" && e.Release != 0:
		row.Path = releasePath(app.ReleaseID{App: app.Name(e.App), Number: e.Release})
	case e.App != "":
		row.Path = appPath(app.Name(e.App))
	}
	return row
}

// apiListEvents answers with events, the newest first, and cursors: "before" leads to older
// ones, and "after" to those that come later. A client that asks for a WebSocket gets them
// as they happen.
func (a *admin) apiListEvents(v *visit) error {
	filter, problems := typedEventFilter(v.request().URL.Query()).parse()
	for _, fault := range problems {
		return fault
	}
	if asksForSocket(v.request()) {
		if err := noSocketFilter(filter); err != nil {
			return err
		}
		return a.liveEvents(v, filter)
	}
	limit := int(cmp.Or(v.cursor("limit"), 100))
	page := event.Page{Before: v.cursor("before"), Limit: min(limit, mostAPIEvents)}
	if page.Before == 0 {
		page.After = v.cursor("after")
	}
	events, err := a.events.ListEvents(v.context(), filter, page)
	if err != nil {
		return err
	}
	answer := eventsJSON{Events: make([]eventJSON, 0, len(events)), After: page.After}
	for _, e := range events {
		answer.Events = append(answer.Events, eventJSONOf(e))
	}
	if len(events) > 0 {
		answer.After, answer.Before = events[0].ID, events[len(events)-1].ID
	}
	return v.json(http.StatusOK, answer)
}

// eventsQuery are the parameters of apiListEvents.
var eventsQuery = []openapi.Query{
	{Name: filterApp, Text: "Of one app."},
	{Name: filterKind, Text: "Such as release.failed."},
	{Name: filterFrom, Text: "The first day, such as 2026-03-31."},
	{Name: filterTo, Text: "The last day."},
	{Name: "before", Number: true, Text: "Events before this number."},
	{Name: "after", Number: true, Text: "Events after this number."},
	{Name: "limit", Number: true, Text: fmt.Sprintf("How many at most: 1 to %d.", mostAPIEvents)},
}

// eventsJSON is a page of events as the API shows it.
type eventsJSON struct {
	Events []eventJSON `json:"events"`
	Before int64       `json:"before,omitempty"` // ?before=N: older events
	After  int64       `json:"after,omitempty"`  // ?after=N: events that came later
}

type eventJSON struct {
	ID      int64       `json:"id"`
	At      time.Time   `json:"at"`
	Kind    event.Kind  `json:"kind"`
	Level   event.Level `json:"level"`
	App     string      `json:"app,omitempty"`
	Release int64       `json:"release,omitempty"`
	Account string      `json:"account,omitempty"`
	Detail  string      `json:"detail,omitempty"`
}

func eventJSONOf(e event.Event) eventJSON {
	return eventJSON{e.ID, e.At, e.Kind, e.Kind.Level(), e.App, e.Release, e.Account, e.Detail}
}
