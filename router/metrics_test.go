package router

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/metrics"
	"berth/controller/metrics/history"
)

func TestMetrics_AppsPageHasChartsWithMarksAndTables(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.metrics.measure("hello")
	failed := aRelease("hello", 3, app.ReleaseFailed)
	failed.FinishedAt = time.Now().Add(-20 * time.Minute)
	s.apps.putRelease(failed)
	s.signIn()
	page := s.get("/admin/apps/hello/metrics?range=hour")
	mustContain(t, page.body, "<h1>Metrics of hello</h1>", "CPU, of one core", "Response time", `class="line-3"`, "r3 failed", `href="/admin/apps/hello/releases/3"`,
		"started again 2 times", "<details><summary>Table", `href="/admin/apps/hello/metrics?range=week"`, `aria-current="page">hour`)
	if tables := strings.Count(page.body, "<details>"); tables != 9 {
		t.Errorf("%d charts have a table", tables)
	}
	if strings.Contains(page.body, "NaN") || len(page.body) > 200_000 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
	mustContain(t, s.get("/admin/apps/hello").body, `href="/admin/apps/hello/metrics"`)
	mustContain(t, s.get("/admin").body, `class="spark"`, "CPU in the last hour: newest")
	if missing := s.get("/admin/apps/nobody/metrics"); missing.StatusCode != http.StatusNotFound {
		t.Errorf("an app that is not there: %d", missing.StatusCode)
	}
}

func TestMetrics_ServersPageHasTheFiguresOfTheMachine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.metrics.measure("hello")
	s.signIn()
	mustContain(t, s.get("/settings/machine/metrics").body, "Metrics of the server", "Requests to all apps", "Disk: used 40 GB, at most 40 GB", "Nothing was measured in this time.")
	mustContain(t, s.get("/settings/machine").body, `href="/settings/machine/metrics"`)
}

func TestMetrics_WhatAnEarlierAppOfThatNameTookIsNotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	s.metrics.points = map[metrics.Subject][]history.At{metrics.App("hello"): {
		{Time: view.CreatedAt.Add(-time.Hour), Point: metrics.PointOf(metrics.Values{metrics.CPU: 7})},
	}}
	s.signIn()
	if body := s.get("/admin/apps/hello/metrics?range=week").body; strings.Contains(body, "<details>") {
		t.Errorf("a point from before the app began is shown: %.2000s", body)
	}
}

func TestMetrics_SmallLinesAreDrawnOnceAMinute(t *testing.T) {
	t.Parallel()
	var sparks sparkCache
	measured := new(fakeMetrics)
	measured.measure("hello")
	minute := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := sparks.of("hello", measured, minute)
	measured.recent["hello"] = []float64{1, 2}
	if got := sparks.of("hello", measured, minute.Add(59*time.Second)); got != first {
		t.Error("the line is drawn anew within its minute")
	}
	if got := sparks.of("hello", measured, minute.Add(time.Minute)); got == first || got.Path == "" {
		t.Errorf("the next minute has %+v", got)
	}
}

func TestMetrics_AnUnknownRangeIsTheHour(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	mustContain(t, s.get("/admin/apps/hello/metrics?range=%3Cscript%3E&service=none").body, "The last hour.")
}
