package router

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/controller/logs/journal"
)

// openLogs returns a journal, which writes only within add.
func openLogs(t testing.TB) *journal.Journal {
	t.Helper()
	kept, err := journal.Open(journal.Options{
		Folder: t.TempDir(), Days: func(context.Context) int { return 0 }, MostApp: 1 << 30, MostAll: 1 << 30, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// addLogs keeps lines, and waits until they are written.
func (s *site) addLogs(name app.Name, of logs.Stream, lines ...logs.Line) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.logs.Run(ctx) }()
	writer := s.logs.Writer(name, of)
	for _, line := range lines {
		if err := writer.Add(ctx, line); err != nil {
			s.t.Fatal(err)
		}
	}
	writer.Close(ctx)
	cancel()
	if err := <-ended; err != nil {
		s.t.Fatal(err)
	}
}

// fillLogs gives hello a log of two services and requests.
func fillLogs(s *site) {
	now := time.Now()
	var web, requests []logs.Line
	for n := range 60 {
		at := now.Add(time.Duration(n-60) * time.Second)
		web = append(web, logs.Line{At: at, Release: 2, Level: logs.Info, Text: fmt.Sprintf("\x1b[32mINFO\x1b[0m served order %d in 12 ms", n)})
		requests = append(requests, logs.Line{At: at, Release: 2, Level: logs.Info, Text: fmt.Sprintf("200 GET shop.example.com/orders/%d 12.3 ms 512 B 203.0.113.7", n)})
	}
	web = append(web, logs.Line{At: now, Release: 2, Stderr: true, Level: logs.Error, Text: "\x1b[1;31mERROR\x1b[0m no answer of the database " + strings.Repeat("tried again, ", 20)},
		logs.Line{At: now, Lost: true, Text: "Lines are missing here: the engine had already removed what was printed after 2026-11-30T09:00:00Z."})
	s.addLogs("hello", "web", web...)
	s.addLogs("hello", "db", logs.Line{At: now.Add(-30 * time.Second), Release: 1, Level: logs.Warn, Text: "WARN checkpoint took 4 s"})
	s.addLogs("hello", logs.Requests, requests...)
}

func numbered(from, count int) []logs.Line {
	lines := make([]logs.Line, 0, count)
	for n := from; n < from+count; n++ {
		lines = append(lines, logs.Line{At: time.Now().Add(time.Duration(n) * time.Microsecond), Release: 1, Text: fmt.Sprintf("number %d.", n)})
	}
	return lines
}

var (
	numberPattern = regexp.MustCompile(`number (\d+)\.`)
	olderPattern  = regexp.MustCompile(`<a href="([^"]+)" hx-get="([^"]+)"`)
	ssePattern    = regexp.MustCompile(`sse-connect="([^"]+)"`)
)

func numbersOn(text string) (found []string) {
	for _, match := range numberPattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func TestLogs_PagesLeadBackToTheFirstLineWithEachLineOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.addLogs("hello", "web", numbered(0, 1000)...)
	var want []string
	for n := range 1000 {
		want = append(want, fmt.Sprint(n))
	}
	for _, part := range []int{1, 2} { // the page without script, and the part that script puts before it
		body := s.get("/admin/apps/hello/logs").body
		all := numbersOn(body)
		for {
			older := olderPattern.FindStringSubmatch(body)
			if older == nil {
				break
			}
			body = s.get(html.UnescapeString(older[part])).body
			all = append(numbersOn(body), all...)
		}
		if !slices.Equal(all, want) {
			t.Errorf("by way %d there are %d lines", part, len(all))
		}
	}
}

func TestLogs_TailJoinsThePageWithoutAGapAndGoesOnAfterAReconnect(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.addLogs("hello", "web", numbered(0, 10)...)
	page := s.get("/admin/apps/hello/logs")
	found := ssePattern.FindStringSubmatch(page.body)
	if found == nil {
		t.Fatal("the page has no stream")
	}
	s.addLogs("hello", "web", numbered(10, 2)...) // before the stream begins
	stream := openEvents(t, s, html.UnescapeString(found[1]), "")
	next := stream.next(t)
	if next.name != "lines" || !slices.Equal(numbersOn(next.data), []string{"10", "11"}) {
		t.Fatalf("got %q", next)
	}
	s.addLogs("hello", "web", numbered(12, 1)...)
	if e := stream.next(t); !slices.Equal(numbersOn(e.data), []string{"12"}) {
		t.Errorf("then it tells %q", e)
	}
	again := openEvents(t, s, html.UnescapeString(found[1]), next.id)
	if e := again.next(t); !slices.Equal(numbersOn(e.data), []string{"12"}) {
		t.Errorf("after a reconnect: %q", e)
	}
}

func TestLogs_AreSearchedAndLinkedAndDownloaded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	now := time.Now()
	s.addLogs("hello", "web", logs.Line{At: now, Release: 1, Level: logs.Error, Text: "\x1b[31mbroken <b>\x1b[0m pipe"}, logs.Line{At: now.Add(time.Second), Release: 2, Text: "fine"})
	s.addLogs("hello", "db", logs.Line{At: now.Add(time.Millisecond), Release: 1, Text: "ready", Stderr: true})
	s.addLogs("hello", logs.Requests, logs.Line{At: now, Release: 1, Text: "200 GET h/cart 1.0 ms 5 B c"})
	for query, want := range map[string][2]string{ // what is there, and what is not
		"":                       {`<span class="fg2">broken &lt;b&gt;</span> pipe`, "/cart"},
		"?q=broken+%3Cb%3E+pipe": {"broken", "fine"},
		"?q=%5Efi.e%24&regex=1":  {"fine", "broken"},
		"?service=db":            {"ready", "fine"},
		"?level=error":           {"broken", "fine"},
		"?release=r2":            {"fine", "ready"},
		"?service=%40requests":   {"/cart", "fine"},
		"?until=1h":              {"No line matches.", "fine"},
		"?since=1h":              {"fine", "No line matches."},
		"?at=web:1":              {"marked", "Follow"},
	} {
		body := s.get("/admin/apps/hello/logs" + query).body
		if !strings.Contains(body, want[0]) || strings.Contains(body, want[1]) {
			t.Errorf("%q has no %q, or a %q", query, want[0], want[1])
		}
	}
	if text := s.get("/admin/apps/hello/logs/download?format=txt").body; !strings.Contains(text, " web: broken <b> pipe\n") || strings.Count(text, "\n") != 3 {
		t.Errorf("the text is %q", text)
	}
	first, _, _ := strings.Cut(s.get("/admin/apps/hello/logs/download?format=jsonl&q=ready").body, "\n")
	var line logJSON
	if err := json.Unmarshal([]byte(first), &line); err != nil || line.Service != "db" || line.Output != "stderr" || line.Text != "ready" || line.ID != "db:1" {
		t.Errorf("the line is %+v: %v", line, err)
	}
}

func TestLogs_SayEverythingThatCannotBeSearchedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	answer := s.get("/admin/apps/hello/logs?q=%5B&regex=1&since=soon&release=x&until=never&level=loud")
	if answer.StatusCode == http.StatusOK {
		t.Error("it is taken")
	}
	mustContain(t, answer.body, `id="q-problem"`, "missing closing ]", `id="since-problem"`, `id="until-problem"`, `id="release-problem"`, `id="level-problem"`)
	if answer := s.get("/admin/apps/hello/logs/lines?before=x"); answer.StatusCode < 400 || answer.StatusCode >= 500 {
		t.Errorf("a cursor that is none: %d", answer.StatusCode)
	}
}

func TestLogs_PageStaysBelowOneMegabyteAndLosesNoLineOverPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	var long []logs.Line
	for n := range 40 {
		long = append(long, logs.Line{At: time.Now(), Text: fmt.Sprintf("number %d. %s", n, strings.Repeat("&", 60_000))})
	}
	s.addLogs("hello", "web", long...)
	var all []string
	for path := "/admin/apps/hello/logs"; path != ""; {
		body := s.get(path).body
		if len(body) > 1<<20 {
			t.Errorf("a page has %d bytes", len(body))
		}
		all = append(numbersOn(body), all...)
		path = ""
		if older := olderPattern.FindStringSubmatch(body); older != nil {
			path = html.UnescapeString(older[1])
		}
	}
	if len(all) != 40 || all[0] != "0" || all[39] != "39" {
		t.Errorf("the pages have %q", all)
	}
}

func TestLogsAPI_GoesBothWaysByCursorsAndWaits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.addLogs("hello", "web", numbered(0, 25)...)
	ask := func(query string) (found logsJSON) {
		t.Helper()
		answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/logs?"+query, "")
		if err := json.Unmarshal([]byte(answer.body), &found); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", answer.StatusCode, answer.body)
		}
		return found
	}
	newest := ask("limit=10")
	if len(newest.Lines) != 10 || newest.Lines[0].Text != "number 24." || !newest.More {
		t.Fatalf("the newest are %+v", newest)
	}
	older := ask("limit=100&before=" + newest.Before)
	if len(older.Lines) != 15 || older.Lines[0].Text != "number 14." || older.More {
		t.Fatalf("the older ones are %+v", older)
	}
	if forwards := ask("after="); len(forwards.Lines) != 25 || forwards.Lines[0].Text != "number 0." {
		t.Errorf("forwards it has %d lines", len(forwards.Lines))
	}
	waits := make(chan logsJSON, 1)
	go func() { waits <- ask("wait=25&after=" + newest.After) }()
	s.addLogs("hello", "web", numbered(25, 1)...)
	if fresh := <-waits; len(fresh.Lines) != 1 || fresh.Lines[0].Text != "number 25." {
		t.Errorf("what comes is %+v", fresh)
	}
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/logs?limit=x&level=loud&since=soon", "")
	if answer.StatusCode == http.StatusOK || !strings.Contains(answer.body, "limit") || !strings.Contains(answer.body, "level") || !strings.Contains(answer.body, "since") {
		t.Errorf("got %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/logs?after=x", ""); answer.StatusCode < 400 {
		t.Errorf("a cursor that is none: %d", answer.StatusCode)
	}
}
