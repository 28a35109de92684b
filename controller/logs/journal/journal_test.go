package journal

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/test/patience"
)

var begin = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// house is a journal that runs.
type house struct {
	*Journal
	t    *testing.T
	stop context.CancelFunc
	done chan struct{}
}

func openJournal(t *testing.T, folder string, change func(*Options)) *house {
	t.Helper()
	o := Options{Folder: folder, Days: func(context.Context) int { return 0 }, MostApp: 1 << 30, MostAll: 1 << 30, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &house{Journal: j, t: t, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(h.done)
		if err := j.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(h.close)
	return h
}

func (h *house) close() {
	h.stop()
	<-h.done
}

func (h *house) add(name app.Name, of logs.Stream, lines ...logs.Line) {
	h.t.Helper()
	w := h.Writer(name, of)
	for _, line := range lines {
		if err := w.Add(h.t.Context(), line); err != nil {
			h.t.Fatal(err)
		}
	}
	w.Close(h.t.Context())
}

// printed are lines of which each is a second behind the one before, with long texts between.
func printed(from, count, step int) []logs.Line {
	lines := make([]logs.Line, 0, count)
	for i := range count {
		n := from + i*step
		lines = append(lines, logs.Line{At: begin.Add(time.Duration(n) * time.Second), Release: int64(1 + n/1000), Level: logs.Level(n % 5), Text: fmt.Sprintf("n=%d %s", n, strings.Repeat("x", n%400))})
	}
	return lines
}

func numbers(lines []logs.Line) (found []string) {
	for _, line := range lines {
		word, _, _ := strings.Cut(logs.Plain(line.Text), " ")
		found = append(found, strings.TrimPrefix(word, "n="))
	}
	return found
}

// olderAll turns pages from the newest line on.
func (h *house) olderAll(name app.Name, q logs.Query, most int) (all []logs.Line) {
	h.t.Helper()
	at, err := h.Newest(name, q)
	if err != nil {
		h.t.Fatal(err)
	}
	for {
		page, err := h.Older(h.t.Context(), name, q, at, most)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, page.Lines...)
		if !page.More {
			return all
		}
		again, ok := logs.ParsePosition(page.Next.String())
		if !ok {
			h.t.Fatalf("%q was not read", page.Next)
		}
		at = again
	}
}

func (h *house) newerAll(name app.Name, q logs.Query, at logs.Position, most int) (all []logs.Line) {
	h.t.Helper()
	for {
		page, err := h.Newer(h.t.Context(), name, q, at, most)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, page.Lines...)
		if !page.More {
			return all
		}
		at = page.Next
	}
}

func TestJournal_IsOneTimelineOfAllServicesInBothDirections(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), nil)
	const count = 6000
	for from := 0; from < count; from += 3000 {
		for service, name := range []logs.Stream{"web", "db", "worker"} {
			h.add("hello", name, printed(from+service, 1000, 3)...)
		}
	}
	h.add("hello", logs.Requests, logs.Line{At: begin, Text: "n=request"})
	h.add("other", "web", logs.Line{At: begin, Text: "n=other"})
	var want []string
	for n := range count {
		want = append(want, fmt.Sprint(n))
	}
	if got := numbers(h.newerAll("hello", logs.Query{}, logs.Position{}, 700)); !slices.Equal(got, want) {
		t.Errorf("forwards it has %d lines", len(got))
	}
	slices.Reverse(want)
	for _, most := range []int{499, 100_000} {
		if got := numbers(h.olderAll("hello", logs.Query{}, most)); !slices.Equal(got, want) {
			t.Errorf("backwards, %d at a time, it has %d lines", most, len(got))
		}
	}
	if got := numbers(h.olderAll("hello", logs.Query{Stream: logs.Requests}, 10)); !slices.Equal(got, []string{"request"}) {
		t.Errorf("the requests are %q", got)
	}
}

func TestJournal_FindsWhatIsSearchedForAndGoesOnBehindIt(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), nil)
	h.add("hello", "web", printed(0, 5000, 1)...)
	h.add("hello", "web", logs.Line{At: begin.Add(5000 * time.Second), Text: "n=5000 \x1b[31mred\x1b[0m herring"})
	for name, one := range map[string]struct {
		query logs.Query
		want  []string
	}{
		"a text":             {logs.Query{Text: "n=77 "}, []string{"77"}},
		"a text over colour": {logs.Query{Text: "red herring"}, []string{"5000"}},
		"an expression":      {logs.Query{Pattern: regexp.MustCompile(`^n=4\d99 `)}, []string{"4999", "4899", "4799", "4699", "4599", "4499", "4399", "4299", "4199", "4099"}},
		"a level":            {logs.Query{Level: logs.Error, Until: begin.Add(20 * time.Second)}, []string{"19", "14", "9", "4"}},
		"a time":             {logs.Query{Since: begin.Add(20 * time.Second), Until: begin.Add(23 * time.Second)}, []string{"22", "21", "20"}},
		"a release":          {logs.Query{Release: 3, Text: "n=2999 "}, []string{"2999"}},
		"another release":    {logs.Query{Release: 2, Text: "n=2999 "}, nil},
		"another service":    {logs.Query{Stream: "db"}, nil},
	} {
		if got := numbers(h.olderAll("hello", one.query, 3)); !slices.Equal(got, one.want) {
			t.Errorf("%s: got %q, want %q", name, got, one.want)
		}
		slices.Reverse(one.want)
		if got := numbers(h.newerAll("hello", one.query, logs.Position{}, 3)); !slices.Equal(got, one.want) {
			t.Errorf("%s, forwards: got %q, want %q", name, got, one.want)
		}
	}
	at, err := h.Moment("hello", logs.Query{}, begin.Add(2500*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.Newer(t.Context(), "hello", logs.Query{}, at, 1)
	if err != nil || !slices.Equal(numbers(page.Lines), []string{"2500"}) {
		t.Errorf("from a moment it begins with %q: %v", numbers(page.Lines), err)
	}
	line, found := h.Find("hello", "web", page.Lines[0].Number)
	if !found || line.Text != page.Lines[0].Text {
		t.Errorf("the line is found as %+v", line)
	}
}

func TestJournal_TailJoinsWithoutAGap(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), nil)
	h.add("hello", "web", printed(0, 100, 1)...)
	at, err := h.Newest("hello", logs.Query{})
	if err != nil {
		t.Fatal(err)
	}
	h.add("hello", "web", printed(100, 2000, 1)...)
	h.add("hello", "late", printed(2100, 100, 1)...) // a service that began meanwhile
	if got := numbers(h.newerAll("hello", logs.Query{}, at, 50)); len(got) != 2100 || got[0] != "100" || got[2099] != "2199" {
		t.Errorf("it goes on with %d lines", len(got))
	}
}

func TestJournal_TellsOfNewLines(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), nil)
	ticks, cancel := h.Subscribe("hello")
	defer cancel()
	h.add("hello", "web", printed(0, 1, 1)...)
	select {
	case <-ticks:
	case <-time.After(patience.Of(10 * time.Second)):
		t.Error("nobody was told")
	}
}

func TestJournal_BoundsEachAppAndAllAndDisplacesTheLargestFirst(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), func(o *Options) { o.MostApp, o.MostAll = 12<<20, 20<<20 })
	noise := func() []logs.Line {
		lines := make([]logs.Line, 0, 900)
		for range 900 {
			lines = append(lines, logs.Line{At: begin, Text: incompressible(20_000)})
		}
		return lines
	}
	h.add("quiet", "web", printed(0, 100, 1)...)
	for range 2 {
		h.add("loud", "web", noise()...)
		h.add("louder", "web", noise()...)
	}
	h.add("loud", "db", printed(0, 100, 1)...)
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	sizes := h.Sizes()
	if sizes["loud"] > 12<<20 || sizes["louder"] > 12<<20 || sizes["loud"]+sizes["louder"]+sizes["quiet"] > 20<<20 || sizes["loud"]+sizes["louder"] < 8<<20 {
		t.Errorf("the sizes are %v", sizes)
	}
	for _, of := range []struct {
		app    app.Name
		stream logs.Stream
	}{{"quiet", "web"}, {"loud", "db"}} {
		if got := h.olderAll(of.app, logs.Query{Stream: of.stream}, 1000); len(got) != 100 {
			t.Errorf("of %s of %s there are %d lines", of.stream, of.app, len(got))
		}
	}
}

var seed = uint64(1)

func incompressible(size int) string {
	text := make([]byte, size)
	for at := range text {
		seed = seed*6364136223846793005 + 1442695040888963407
		text[at] = byte(' ' + (seed>>33)%95)
	}
	return string(text)
}

func TestJournal_KeepsForSoManyDays(t *testing.T) {
	t.Parallel()
	h := openJournal(t, t.TempDir(), func(o *Options) { o.Days = func(context.Context) int { return 3 } })
	now := time.Now()
	h.add("hello", "web", logs.Line{At: now.AddDate(0, 0, -5), Text: "n=old"})
	h.add("hello", "db", logs.Line{At: now.AddDate(0, 0, -2), Text: "n=young"})
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := numbers(h.olderAll("hello", logs.Query{}, 10)); !slices.Equal(got, []string{"young"}) {
		t.Errorf("%q are left", got)
	}
}

func TestJournal_OpensWhatItKeptAndForgetsAppsThatAreGone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	h := openJournal(t, folder, nil)
	h.add("hello", "web", printed(0, 3000, 1)...)
	h.add("gone", "web", printed(0, 3000, 1)...)
	h.close()
	h = openJournal(t, folder, nil)
	if got := h.olderAll("hello", logs.Query{}, 1000); len(got) != 3000 {
		t.Errorf("there are %d lines", len(got))
	}
	h.Retain(func(name app.Name) bool { return name == "hello" }, func(string) bool { return false })
	h.close()
	h = openJournal(t, folder, nil)
	if sizes := h.Sizes(); len(sizes) != 1 || sizes["hello"] == 0 {
		t.Errorf("it has %v", sizes)
	}
}

func TestWriter_WaitsForItselfAlone(t *testing.T) {
	t.Parallel()
	j, err := Open(Options{Folder: t.TempDir(), Days: func(context.Context) int { return 0 }, MostApp: 1 << 30, MostAll: 1 << 30, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	loud, quiet := j.Writer("loud", "web"), j.Writer("quiet", "web") // nobody writes
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		added := 0
		for loud.Add(ctx, logs.Line{Text: strings.Repeat("x", 1000)}) == nil {
			added++
		}
		ended <- added
	}()
	for loud.waiting() < mostWaiting-2000 {
		time.Sleep(time.Millisecond)
	}
	if err := quiet.Add(t.Context(), logs.Line{Text: "here"}); err != nil {
		t.Error(err)
	}
	cancel()
	if added := <-ended; added > mostWaiting/1000 {
		t.Errorf("%d lines wait in memory", added)
	}
}

func (w *Writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

func TestJournal_SaysHowManyLinesTheDiskDidNotTake(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	h := openJournal(t, folder, nil)
	h.add("hello", "web", printed(0, 2, 1)...)
	tail := filepath.Join(folder, "hello", "web", "tail")
	if err := os.Rename(tail, tail+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(tail, 0o700); err != nil { // nothing can be written to it
		t.Fatal(err)
	}
	h.add("hello", "web", printed(2, 3, 1)...)
	h.add("hello", "web", printed(5, 4, 1)...)
	if err := os.Remove(tail); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tail+".away", tail); err != nil {
		t.Fatal(err)
	}
	h.add("hello", "web", printed(9, 1, 1)...)
	if got := numbers(h.newerAll("hello", logs.Query{}, logs.Position{}, 100)); !slices.Equal(got, []string{"0", "1", "7", "9"}) {
		t.Errorf("it has %q", got)
	}
}
