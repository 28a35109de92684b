package router

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/event"
)

// fakeEvents are events in memory, the newest first.
type fakeEvents []event.Event

func newFakeEvents() fakeEvents {
	var all fakeEvents
	at := time.Now().Add(-time.Hour)
	for id := int64(120); id >= 1; id-- {
		e := event.Event{ID: id, At: at, Kind: event.ReleaseFailed, App: "hello", Release: 1, Detail: "<b>The build</b> failed."}
		if id%2 == 0 {
			e = event.Event{ID: id, At: at, Kind: event.DiskLow, Detail: "5 GB are free."}
		}
		all = append(all, e)
	}
	return all
}

func (f fakeEvents) ListEvents(_ context.Context, filter event.Filter, page event.Page) ([]event.Event, error) {
	var found []event.Event
	for _, e := range f {
		if filter.Kind != "" && e.Kind != filter.Kind || filter.App != "" && e.App != filter.App ||
			page.Before != 0 && e.ID >= page.Before || e.ID <= page.After {
			continue
		}
		found = append(found, e)
	}
	if page.After != 0 && len(found) > page.Limit {
		return slices.Clone(found[len(found)-page.Limit:]), nil
	}
	return found[:min(len(found), page.Limit)], nil
}

func TestEvents_ArePagedFilteredAndEscaped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	page := s.get("/events")
	mustContain(t, page.body, `id="event-120"`, `id="event-71"`, "/events?before=71", "Disk space low", "&lt;b&gt;The build&lt;/b&gt;", `href="/admin/apps/hello/releases/1"`)
	if strings.Contains(page.body, `id="event-70"`) || strings.Contains(page.body, "<b>The") {
		t.Error("the page has more than its part, or markup of a detail")
	}
	mustContain(t, s.get("/events?before=71").body, `id="event-70"`, `id="event-21"`, "/events?after=70", "/events?before=21")
	mustContain(t, s.get("/events?after=70").body, `id="event-120"`, `id="event-71"`, "/events?before=71")
	if filtered := s.get("/events?kind=disk.low&app=hello"); !strings.Contains(filtered.body, "No event fits the filter") {
		t.Error("an app had events of the disk")
	}
	wrong := s.get("/events?kind=nothing&from=yesterday")
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, "There is no such kind of event.", "This is not a day.")
}

func TestEvents_OfTheAPIHaveCursors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var answer eventsJSON
	if err := json.Unmarshal([]byte(s.bearer(readToken, http.MethodGet, "/api/v1/events?kind=release.failed&limit=2", "").body), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Events) != 2 || answer.Events[0].ID != 119 || answer.Before != 117 || answer.After != 119 || answer.Events[0].Level != event.Error {
		t.Errorf("got %+v", answer)
	}
	answer = eventsJSON{}
	if err := json.Unmarshal([]byte(s.bearer(readToken, http.MethodGet, "/api/v1/events?after=120", "").body), &answer); err != nil || len(answer.Events) != 0 || answer.After != 120 {
		t.Errorf("got %+v, %v", answer, err)
	}
	if wrong := s.bearer(readToken, http.MethodGet, "/api/v1/events?kind=x", ""); wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", wrong.StatusCode)
	}
}
