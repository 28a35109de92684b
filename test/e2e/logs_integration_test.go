//go:build integration

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

type keptLine struct {
	Release int64  `json:"release"`
	Text    string `json:"text"`
	Lost    bool   `json:"lost"`
}

// keptLines are the lines of an app's log from the first one on, up to those of before the call.
func (o *operator) keptLines(name, filter string) (all []keptLine) {
	o.t.Helper()
	for after := ""; ; {
		var page struct {
			Lines []keptLine `json:"lines"`
			After string     `json:"after"`
			More  bool       `json:"more"`
		}
		status, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/apps/"+name+"/logs?limit=1000&after="+url.QueryEscape(after)+filter, &page)
		if err != nil || status != http.StatusOK {
			o.t.Fatalf("logs of %s: %d, %v", name, status, err)
		}
		all, after = append(all, page.Lines...), page.After
		if !page.More {
			return all
		}
	}
}

// TestLogs_AreOneTimelineOverReleasesAndAKillOfBerth: an app prints a thousand numbered lines a second while Berth is
// killed and while it is deployed anew. Its log has each line of each release once, in order. It has the requests too, without what was asked.
func TestLogs_AreOneTimelineOverReleasesAndAKillOfBerth(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("diary", "number", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	for path, want := range map[string]int{"/diary/?token=canary-query": http.StatusOK} {
		response, err := http.Get(berth.Apps + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %d", path, response.StatusCode)
		}
	}
	rested(t)
	kill(t)
	if release := o.update("diary", "number", "v2"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	eventually(t, 30*time.Second, "lines of the second release", func() bool { return len(o.keptLines("diary", "&release=2")) > 2000 })
	next := map[int64]int{}
	for _, line := range o.keptLines("diary", "") {
		var number int
		if _, err := fmt.Sscanf(line.Text, "line %d", &number); err != nil || line.Lost {
			if line.Lost {
				t.Errorf("the log says: %s", line.Text)
			}
			continue
		}
		if expected, begun := next[line.Release]; begun && number != expected {
			t.Fatalf("of r%d comes line %d, and not line %d", line.Release, number, expected)
		}
		next[line.Release] = number + 1
	}
	if next[1] < 3000 || next[2] < 2000 {
		t.Errorf("there are %v lines", next)
	}
	eventually(t, 30*time.Second, "the request", func() bool { return len(o.keptLines("diary", "&service=%40requests&q=%2Fdiary")) > 0 })
	for _, line := range o.keptLines("diary", "&service=%40requests") {
		if strings.Contains(line.Text, "canary") {
			t.Errorf("the requests have a query: %s", line.Text)
		}
	}
	noCanaryInMetrics(t)
}

// noCanaryInMetrics looks through the files of what is measured, byte by byte.
func noCanaryInMetrics(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"metrics.db", "metrics.db-wal"} {
		if _, err := stack.Docker("cp", berth.Controller()+":/data/"+name, folder); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || len(content) == 0 {
			t.Fatalf("%s has %d bytes, %v", name, len(content), err)
		}
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("%s has what a visitor asked for", name)
		}
	}
}
