package collect

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/logs"
	"berth/test/patience"
)

var begin = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func (h *house) wantTexts(name app.Name, q logs.Query, want []string) {
	h.t.Helper()
	var got []string
	ok := patience.Eventually(20*time.Second, func() bool {
		got = h.texts(name, q)
		return len(got) >= len(want)
	})
	if !ok || !slices.Equal(got, want) {
		h.t.Fatalf("there are %d lines, and not the %d:\n%.600q", len(got), len(want), got)
	}
}

func TestCollector_TwentyRedeploysAreOneTimelineWithEachLineOnceAndInOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	var want []string
	at := begin
	for release := range int64(20) {
		id := h.engine.start("hello", "main", release+1)
		for n := range 50 {
			at = at.Add(time.Duration(n%2) * time.Millisecond) // some share a stamp
			text := fmt.Sprintf("r%d line %d", release+1, n)
			want = append(want, text)
			h.engine.print(id, printed(at, text))
		}
		h.wantTexts("hello", logs.Query{}, want)
		h.engine.stop(id)
		if release%2 == 0 {
			h.engine.change(func() { delete(h.engine.containers, id) })
		}
	}
	if got := h.texts("hello", logs.Query{Release: 7}); len(got) != 50 || got[0] != "r7 line 0" {
		t.Errorf("of r7 there are %d lines", len(got))
	}
}

func TestCollector_FillsTheGapAfterAKillWithNoLineLostAndNoneTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	id := h.engine.start("hello", "main", 1)
	random := rand.New(rand.NewPCG(1, 2))
	var want []string
	at := begin
	say := func(count int) {
		for range count {
			at = at.Add(time.Duration(random.IntN(2)) * time.Nanosecond) // many share a stamp
			text := fmt.Sprintf("line %d %s", len(want), strings.Repeat("x", random.IntN(200)))
			want = append(want, text)
			h.engine.print(id, docker.Line{At: at, Text: text, Stderr: random.IntN(4) == 0})
		}
	}
	for range 6 {
		say(1000)
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond) // the kill falls anywhere
		killed := filepath.Join(t.TempDir(), "killed")
		copyFolder(t, h.folder, killed)
		h.stop()
		say(500) // nobody listens
		h.folder = killed
		h.open()
	}
	h.wantTexts("hello", logs.Query{}, want)
}

// copyFolder takes what a kill would leave: a tail before the frames, because a tail is emptied after its frame is written.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(filepath.Base(b), filepath.Base(a)) })
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, strings.TrimPrefix(name, from))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCollector_SaysThatTheEngineRemovedLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	id := h.engine.start("hello", "main", 1)
	h.engine.print(id, printed(begin, "one"))
	h.wantTexts("hello", logs.Query{}, []string{"one"})
	h.stop()
	h.engine.change(func() { h.engine.containers[id].lines = []docker.Line{printed(begin.Add(time.Hour), "later")} })
	h.open()
	h.wantTexts("hello", logs.Query{}, []string{"one", "Lines are missing here: the engine had already removed what was printed after 2026-11-30T09:00:00Z.", "later"})
}

func TestCollector_ReadsInstancesThatFailedAndThoseThatStartAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	web, db := h.engine.start("hello", "web", 1), h.engine.start("hello", "db", 1)
	h.engine.print(db, printed(begin, "db is up"))
	var want []string
	for n := range 5 { // a crash loop
		text := fmt.Sprintf("crash %d", n)
		want = append(want, text)
		h.engine.print(web, printed(begin.Add(time.Duration(n)*time.Second), text))
		h.engine.stop(web)
		h.wantTexts("hello", logs.Query{Stream: "web"}, want)
		h.engine.start("hello", "web", 1)
		if n%2 == 1 {
			h.engine.stop(web) // before anybody looked
		}
	}
	h.wantTexts("hello", logs.Query{Stream: "db"}, []string{"db is up"})
}

func TestCollector_KeepsNoSecretAnywhereInItsFolder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	id := h.engine.start("hello", "main", 1)
	h.engine.print(id, docker.Line{At: begin, Text: "password " + canary, Coloured: "password \x1b[31m" + canary + "\x1b[0m"},
		docker.Line{At: begin, Text: "torn " + canary, Coloured: "torn canary\x1b[31m-6f1d"})
	h.engine.change(func() {
		h.engine.containers["proxy0000000"] = &fakeContainer{Instance: docker.Instance{ID: "proxy0000000"}, proxy: true, lines: []docker.Line{
			{At: begin, Text: `{"DownstreamStatus":200,"RequestMethod":"GET","RequestHost":"h","RequestPath":"/` + canary + `?a=` + canary + `","ServiceName":"hello-r1@file","ClientHost":"203.0.113.7","DownstreamContentSize":5,"Duration":1500000}`},
		}}
		h.engine.containers["proxy0000000"].Condition.Running = true
	})
	h.wantTexts("hello", logs.Query{}, []string{"password \x1b[31m[secret PASSWORD]\x1b[0m", "torn [secret PASSWORD]"})
	h.engine.start("hello", "main", 1) // has the proxy seen
	h.wantTexts("hello", logs.Query{Stream: logs.Requests}, []string{"200 GET h/[secret PASSWORD] 1.5 ms 5 B 203.0.113.7"})
	h.stop()
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("canary")) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCollector_KeepsEachRequestOnceOverRestarts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello", "other")
	proxy := &fakeContainer{Instance: docker.Instance{ID: "proxy0000000"}, proxy: true}
	proxy.Condition.Running = true
	h.engine.change(func() { h.engine.containers["proxy0000000"] = proxy })
	want := make(map[app.Name][]string)
	for round := range 3 {
		for n := range 40 {
			name := app.Name([]string{"hello", "other", "gone"}[n%3])
			h.engine.print("proxy0000000", docker.Line{
				At:   begin.Add(time.Duration(round*40+n/4) * time.Second), // some share a stamp
				Text: fmt.Sprintf(`{"DownstreamStatus":503,"RequestMethod":"GET","RequestHost":"h","RequestPath":"/%d-%d","ServiceName":"%s-r2@file","ClientHost":"c","Duration":0}`, round, n, name),
			})
			want[name] = append(want[name], fmt.Sprintf("503 GET h/%d-%d 0.0 ms 0 B c", round, n))
		}
		h.stop()
		h.open()
	}
	h.wantTexts("hello", logs.Query{Stream: logs.Requests, Level: logs.Error}, want["hello"])
	h.wantTexts("other", logs.Query{Stream: logs.Requests}, want["other"])
	if got := h.texts("gone", logs.Query{Stream: logs.Requests}); len(got) > 0 {
		t.Errorf("of an app that is not there it keeps %q", got)
	}
}

func TestCollector_ForgetsAnAppThatWasDeleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hello")
	id := h.engine.start("hello", "main", 1)
	h.engine.print(id, printed(begin, "one"))
	h.wantTexts("hello", logs.Query{}, []string{"one"})
	h.engine.stop(id)
	h.engine.change(func() { delete(h.engine.containers, id) })
	h.ledger.mu.Lock()
	h.ledger.apps = []app.Name{"other"}
	h.ledger.mu.Unlock()
	h.engine.start("other", "main", 1)
	if !patience.Eventually(20*time.Second, func() bool { return len(h.journal.Sizes()) == 0 }) {
		t.Errorf("it keeps %v", h.journal.Sizes())
	}
}

func TestPace_SaysThatLinesMayBeMissingOnceWhileItIsBehind(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pace{from: now.Add(-time.Hour)}
	said := 0
	for n := range 60_000 { // 20,000 lines a second, read six seconds late
		at := now.Add(-6 * time.Second).Add(time.Duration(n) * time.Second / 20_000)
		if p.fellBehind(docker.Line{At: at, Text: strings.Repeat("x", 100)}, now) {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it is said %d times", said)
	}
}
