package router

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
)

// sentEvent is one server-sent event.
type sentEvent struct{ name, id, data string }

// events reads an event stream.
type events struct {
	response *http.Response
	reader   *bufio.Reader
	close    context.CancelFunc
}

func openEvents(t *testing.T, s *site, path, lastEventID string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	r := s.request(http.MethodGet, path, nil).WithContext(ctx)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%s: %d %s", path, response.StatusCode, response.Header.Get("Content-Type"))
	}
	return &events{response: response, reader: bufio.NewReader(response.Body), close: cancel}
}

// next is the next event, empty at the end of the stream.
func (e *events) next(t *testing.T) sentEvent {
	t.Helper()
	var found sentEvent
	var data []string
	for {
		line, err := e.reader.ReadString('\n')
		if err != nil {
			return sentEvent{}
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && found.name != "":
			found.data = strings.Join(data, "\n")
			return found
		case field == "event":
			found.name = value
		case field == "id":
			found.id = value
		case field == "data":
			data = append(data, value)
		}
	}
}

// until reads events up to the one of that name.
func (e *events) until(t *testing.T, name string) (before []sentEvent) {
	t.Helper()
	for {
		found := e.next(t)
		if found.name == "" {
			t.Fatalf("the stream ended before %q; it said %v", name, before)
		}
		before = append(before, found)
		if found.name == name {
			return before
		}
	}
}

func logOf(found []sentEvent) string {
	var text strings.Builder
	for _, e := range found {
		if e.name == "log" {
			text.WriteString(strings.NewReplacer("<li>", "", "</li>", "", "\n", "").Replace(e.data) + "|")
		}
	}
	return text.String()
}

func TestReleaseEvents_ResumeAfterTheLastEventID(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	id := app.ReleaseID{App: "hello", Number: 3}
	release := aRelease("hello", 3, app.ReleaseBuilding)
	s.apps.putRelease(release)
	s.apps.appendLog(id, "one\ntwo\nhalf a li")

	stream := openEvents(t, s, "/admin/apps/hello/releases/3/events", "")
	first := stream.until(t, "steps")
	if got := logOf(first); got != "onetwo|" {
		t.Errorf("log is %q", got)
	}
	resume := first[0].id
	if resume != strconv.Itoa(len("one\ntwo\n")) {
		t.Errorf("the id is %q, not the bytes sent", resume)
	}
	stream.close()

	s.apps.appendLog(id, "ne\nthree\n")
	stream = openEvents(t, s, "/admin/apps/hello/releases/3/events?from=4", resume)
	if got := logOf(stream.until(t, "steps")); got != "half a linethree|" {
		t.Errorf("resumed log is %q", got)
	}
	s.apps.appendLog(id, "the end, unfinished")
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseLive))
	rest := stream.until(t, "done")
	if got := logOf(rest); got != "the end, unfinished|" {
		t.Errorf("the end is %q", got)
	}
	if steps := rest[len(rest)-2]; steps.name != "steps" || !strings.Contains(steps.data, `class="outcome good"`) {
		t.Errorf("before done came %q", steps)
	}
	if after := stream.next(t); after.name != "" {
		t.Errorf("after done came %q", after)
	}
}

func TestReleaseEvents_GoOnWhereThePageEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	id := app.ReleaseID{App: "hello", Number: 3}
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseBuilding))
	s.apps.appendLog(id, "one\ntwo\n")
	page := s.get("/admin/apps/hello/releases/3")
	mustContain(t, page.body, "<li>one</li>", "<li>two</li>", `sse-connect="/admin/apps/hello/releases/3/events?from=8"`,
		`<noscript><meta http-equiv="refresh" content="3"></noscript>`)
	s.apps.appendLog(id, "three\n")
	stream := openEvents(t, s, "/admin/apps/hello/releases/3/events?from=8", "")
	if got := logOf(stream.until(t, "steps")); got != "three|" {
		t.Errorf("log is %q", got)
	}
}

func TestReleaseEvents_LongLogComesInPartsAndWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	id := app.ReleaseID{App: "hello", Number: 2}
	var want strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&want, "line %d of a long log\n", i)
	}
	want.WriteString(strings.Repeat("x", 200_000) + "\n")
	s.apps.appendLog(id, want.String())
	got := ""
	stream := openEvents(t, s, "/admin/apps/hello/releases/2/events", "")
	for _, e := range stream.until(t, "done") {
		if e.name == "log" {
			got += strings.NewReplacer("<li>", "", "</li>", "", "\n", "").Replace(e.data)
		}
	}
	if wanted := strings.ReplaceAll(want.String(), "\n", ""); got != wanted {
		t.Errorf("%d bytes came, %d were wanted", len(got), len(wanted))
	}
	page := s.get("/admin/apps/hello/releases/2")
	mustContain(t, page.body, "This is the end of a long log")
	if download := s.get("/admin/apps/hello/releases/2/log"); download.body != want.String() {
		t.Error("the download is not the log")
	}
}

func TestDashboardEvents_TellOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	s.signIn()
	stream := openEvents(t, s, "/admin/events", "")
	mustContain(t, stream.next(t).data, "hello", "running")
	view.Observed.State = app.Down
	s.apps.put(view)
	mustContain(t, stream.next(t).data, `<span class="badge bad">down</span>`)
}

func TestAppEvents_TellSummaryAndReleasesAndTheEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	stream := openEvents(t, s, "/admin/apps/hello/events", "")
	stream.until(t, "summary")
	mustContain(t, stream.next(t).data, "release-2")
	s.apps.change(func() { delete(s.apps.apps, "hello") })
	if e := stream.next(t); e.name != "gone" {
		t.Errorf("got %q", e)
	}
}

func TestOutputEvents_BeginWithThePastAndFollow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.apps.output = []docker.Line{{At: time.Now(), Text: "past"}}
	stream := openEvents(t, s, "/admin/apps/hello/output/events", "")
	begin := stream.next(t)
	if begin.name != "output" || !strings.Contains(begin.data, "past") {
		t.Fatalf("got %q", begin)
	}
	s.apps.change(func() {
		s.apps.output = append(s.apps.output, docker.Line{At: time.Now(), Text: "fresh", Stderr: true})
	})
	next := stream.next(t)
	if next.name != "lines" || !strings.Contains(next.data, "fresh") || strings.Contains(next.data, "past") {
		t.Errorf("got %q", next)
	}
	download := s.get("/admin/apps/hello/output/download")
	mustContain(t, download.body, "past\n", "fresh\n")
	mustContain(t, download.Header.Get("Content-Disposition"), `attachment; filename="hello-output.txt"`)
}

func TestOutputEvents_GoOnExactlyBehindThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	at := time.Now()
	add := func(text string) {
		s.apps.change(func() { s.apps.output = append(s.apps.output, docker.Line{At: at, Text: text}) })
	}
	add("one")
	add("two") // with one stamp
	page := s.get("/admin/apps/hello/output")
	mustContain(t, page.body, "one", "two")
	found := regexp.MustCompile(`sse-connect="([^"]+)"`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatal("the page has no stream")
	}
	add("three") // before the stream begins, with the same stamp
	stream := openEvents(t, s, html.UnescapeString(found[1]), "")
	next := stream.next(t)
	if next.name != "lines" || !strings.Contains(next.data, "three") || strings.Contains(next.data, "two") {
		t.Fatalf("got %q", next)
	}
	add("four")
	again := openEvents(t, s, html.UnescapeString(found[1]), next.id)
	if e := again.next(t); e.name != "lines" || !strings.Contains(e.data, "four") || strings.Contains(e.data, "three") {
		t.Errorf("after a reconnect: %q", e)
	}
}
