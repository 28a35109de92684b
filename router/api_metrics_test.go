package router

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestMetrics_AreToldByTheAPIAsThePagesShowThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.metrics.measure("hello")
	for path, title := range map[string]string{"/api/v1/apps/hello/metrics": "Requests answered", "/api/v1/metrics?range=hour": "Requests to all apps"} {
		answer := s.bearer(readToken, http.MethodGet, path, "")
		var told chartsJSON
		if err := json.Unmarshal([]byte(answer.body), &told); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %.300s", path, answer.StatusCode, answer.body)
		}
		if told.Range != "hour" || told.Step != 60 || told.To.Sub(told.From).Hours() != 1 {
			t.Errorf("%s: %s from %s to %s by %v s", path, told.Range, told.From, told.To, told.Step)
		}
		found := false
		for _, chart := range told.Charts {
			found = found || chart.Title == title && chart.Unit == "per_second"
			for _, line := range chart.Lines {
				if len(line.Values) != 60 {
					t.Errorf("%s: %s has %d values", path, line.Name, len(line.Values))
				}
			}
		}
		if cpu := told.Charts[0].Lines[0].Values; !found || cpu[30] == nil || *cpu[30] <= 0 {
			t.Errorf("%s: %.500s", path, answer.body)
		}
	}
}

func TestMetrics_AnotherRangeOrServiceIsSaidSo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for path, want := range map[string]string{
		"/api/v1/apps/hello/metrics?range=year":  "hour, day, week, month",
		"/api/v1/metrics?range=year":             "hour, day, week, month",
		"/api/v1/apps/hello/metrics?service=web": "no service called",
	} {
		answer := s.bearer(readToken, http.MethodGet, path, "")
		if answer.StatusCode < http.StatusBadRequest || !strings.Contains(answer.body, want) {
			t.Errorf("%s: %d %.300s", path, answer.StatusCode, answer.body)
		}
	}
}
