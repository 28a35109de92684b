package router

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

func settingsOf(token string) url.Values {
	return url.Values{"csrf_token": {token}, "memory": {"64"}, "cpu": {"150"}, "processes": {"20"}, "port": {"3000"}}
}

func TestSettings_NewOnesLeadToTheirRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	form := settingsOf(s.signIn())
	form.Set("writable_root", "1")
	answer := s.post("/admin/apps/hello/settings", form)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	want := []string{"settings {Port:3000 MemoryBytes:67108864 NanoCPUs:1500000000 Processes:20 WritableRoot:true Database:false DatabaseServices: Fallback:false Choices:{Main: Profiles: Compose: Volumes:false Bound: Dotenv:false ImageVolumes:false RootStart:} Readiness:{By: Path: Status:0 StartTime:0s Scheme:http} Egress:{Mode:open Hosts:}} by admin hello"}
	if calls := s.apps.called(); !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
	mustContain(t, s.get("/admin/apps/hello/releases").body, "new settings for r2")
}

func TestSettings_SameOnesLeadBackToTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	form := url.Values{"csrf_token": {s.signIn()}, "memory": {"512"}, "cpu": {"50"}, "processes": {"100"}, "port": {""}}
	answer := s.post("/admin/apps/hello/settings", form)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/settings#notice" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	mustContain(t, s.get("/admin/apps/hello/settings").body, "saved for the next deploy")
}

func TestSettings_FormShowsThoseOfTheAppAndTheirRange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	s.signIn()
	page := s.get("/admin/apps/hello/settings").body
	mustContain(t, page, `name="memory" value="512"`, `name="cpu" value="50"`, `name="processes" value="100"`, `name="port" value=""`, "From 16 to 2048.")
	if strings.Contains(page, "Waived") {
		t.Error("a waiver is shown where there is none")
	}
	view.Settings.WritableRoot = true
	s.apps.put(view)
	page = s.get("/admin/apps/hello/settings").body
	mustContain(t, s.get("/admin/apps/hello").body, `<span class="badge bad">Security exception: writable root</span>`)
	mustContain(t, page, `name="writable_root" value="1" aria-describedby="settings-writable_root-hint" checked`)
}

func TestSettings_WaiverOfTheLiveReleaseIsShownAfterTheAppLostIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Settings.WritableRoot = true
	s.apps.putRelease(live)
	s.signIn()
	mustContain(t, s.get("/admin/apps/hello").body, "Security exception: writable root")
}

func TestSettings_ProblemsStandBesideTheirFieldsAndWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	form := settingsOf(s.signIn())
	form.Set("memory", "lots<b>")
	form.Set("processes", "many")
	form.Set("writable_root", "1")
	answer := s.post("/admin/apps/hello/settings", form)
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body,
		`value="lots&lt;b&gt;"`, `id="settings-memory-problem"`, `id="settings-processes-problem"`,
		`name="cpu" value="150"`, `name="port" value="3000"`, ` checked> Writable root`)
	if strings.Contains(answer.body, `id="settings-cpu-problem"`) {
		t.Error("a field that is right has a problem")
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestSettings_RefusalIsSaidOnTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.apps.onAct = func(string, app.Name) error {
		return problem.Conflict("A release of hello is under way.", "Wait.")
	}
	answer := s.post("/admin/apps/hello/settings", settingsOf(s.signIn()))
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "A release of hello is under way.", `name="memory" value="64"`)
}

func TestAPISettings_ChangeWhatTheyNameAndNoMore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	shown := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello", "").body)
	if settings, _ := shown["settings"].(map[string]any); settings["memory_mb"] != 512.0 || settings["cpu_percent"] != 50.0 || settings["writable_root"] != false {
		t.Errorf("settings are %v", shown["settings"])
	}
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/settings", `{"memory_mb": 64}`)
	if answer.StatusCode != http.StatusCreated || answer.Header.Get("Location") != "/api/v1/apps/hello/releases/9" {
		t.Fatalf("%d: %s", answer.StatusCode, answer.body)
	}
	if release := decode(t, answer.body); release["new_settings"] != true || release["settings"].(map[string]any)["memory_mb"] != 64.0 {
		t.Errorf("release is %v", release)
	}
	want := []string{"settings {Port:0 MemoryBytes:67108864 NanoCPUs:500000000 Processes:100 WritableRoot:false Database:false DatabaseServices: Fallback:false Choices:{Main: Profiles: Compose: Volumes:false Bound: Dotenv:false ImageVolumes:false RootStart:} Readiness:{By: Path: Status:0 StartTime:0s Scheme:http} Egress:{Mode:open Hosts:}} by token ci hello"}
	if calls := s.apps.called(); !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/settings", `{}`); answer.StatusCode != http.StatusOK {
		t.Errorf("nothing to change: %d %s", answer.StatusCode, answer.body)
	}
}

func TestAPISettings_RefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, body := range []string{"", `{"memory": 64}`, `{"memory_mb": "64"}`, `{"port": -1}`, `{"port": 70000}`, `{"memory_mb": 1e30}`} {
		if answer := s.bearer(adminToken, http.MethodPost, "/api/v1/apps/hello/settings", body); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestAPISettings_WaiverNeedsAnAdminsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	old := aRelease("hello", 1, app.ReleaseSuperseded)
	old.Image, old.Settings.WritableRoot = "sha256:aa", true
	s.apps.putRelease(old)
	const path, waive = "/api/v1/apps/hello/settings", `{"writable_root": true}`
	answer := s.bearer(deployToken, http.MethodPost, path, waive)
	if answer.StatusCode != http.StatusForbidden || decode(t, answer.body)["field"] != "writable_root" {
		t.Errorf("scope deploy: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rollback", `{"release": 1}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("rollback to a waived release with scope deploy: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodPost, path, waive); answer.StatusCode != http.StatusCreated {
		t.Errorf("scope admin: %d %s", answer.StatusCode, answer.body)
	}
	view.Settings.WritableRoot = true
	s.apps.put(view)
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"memory_mb": 64}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("another setting beside a waiver that was given: %d", answer.StatusCode)
	}
}
