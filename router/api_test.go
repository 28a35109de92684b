package router

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
)

func decode(t testing.TB, body string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return value
}

func TestAPI_ShowsAnApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	building := aRelease("hello", 3, app.ReleaseBuilding)
	view.UnderWay = &building
	s.apps.put(view)
	app := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello", "").body)
	for field, want := range map[string]any{"name": "hello", "state": "running", "release": 2.0, "under_way": 3.0} {
		if app[field] != want {
			t.Errorf("%s is %v, want %v", field, app[field], want)
		}
	}
	if urls, _ := app["urls"].([]any); len(urls) != 1 || urls[0] != "http://127.0.0.1/hello/" {
		t.Errorf("urls are %v", app["urls"])
	}
	list := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps", "").body)
	if apps, _ := list["apps"].([]any); len(apps) != 1 {
		t.Errorf("apps are %v", list)
	}
}

func TestAPI_DeploysAndFollowsTheLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.upload("/api/v1/apps", deployToken, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart)
	if answer.StatusCode != http.StatusCreated || answer.Header.Get("Location") != "/api/v1/apps/hello/releases/1" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	release := decode(t, answer.body)
	if release["number"] != 1.0 || release["state"] != "queued" || release["under_way"] != true || release["created_by"] != "admin" {
		t.Errorf("release is %v", release)
	}
	id := app.ReleaseID{App: "hello", Number: 1}
	go func() {
		for _, line := range []string{"one\n", "two\n", "three"} {
			s.apps.appendLog(id, line)
			time.Sleep(20 * time.Millisecond)
		}
		s.apps.putRelease(aRelease("hello", 1, app.ReleaseLive))
	}()
	log := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/1/log?follow=1", "")
	if log.body != "one\ntwo\nthree" || !strings.HasPrefix(log.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("log is %q", log.body)
	}
	if call := s.apps.called()[1]; call != "accept hello /hello 0 My App.zip by token ci" {
		t.Errorf("call is %q", call)
	}
}

func TestAPI_ActsOnApps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, verb := range []string{"start", "stop", "restart"} {
		if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/"+verb, ""); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", verb, answer.StatusCode)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rollback", `{"release": 1}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("rollback: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/releases/2/cancel", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("cancel: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodDelete, "/api/v1/apps/hello", ""); answer.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d %s", answer.StatusCode, answer.body)
	}
	want := []string{"start hello", "stop hello", "restart hello", "roll back to r1 by token ci hello", "cancel hello", "delete hello"}
	if calls := s.apps.called(); !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

func TestAPI_RefusesJSONItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, body := range []string{"", "{", `{"release": "1"}`, `{"relase": 1}`, `{"release": -1}`, `[]`, `{"release": 1} {}`, `{"release": 1} x`} {
		if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rollback", body); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", body, answer.StatusCode)
		}
	}
	large := `{"release": 1` + strings.Repeat(" ", 2<<20) + "}"
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rollback", large); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MB: %d", answer.StatusCode)
	}
}
