package router

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
)

func TestReadiness_IsTheSameOnTheFormInTheSettingsAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	want := app.Readiness{Path: "/healthz", Status: 204, StartTime: 3 * time.Minute, Scheme: "h2c"}
	var wish controller.Upload
	s.refuseAll(&wish)
	page := s.upload("/upload", "", newForm(token, part{"ready", "http", ""}, part{"ready_path", "/healthz", ""}, part{"ready_status", "204", ""},
		part{"start_time", "180", ""}, part{"scheme", "h2c", ""}, zipPart)...)
	if wish.Settings == nil || wish.Settings.Readiness != want {
		t.Errorf("the form gives %+v", wish.Settings)
	}
	mustContain(t, page.body, `name="start_time" value="180"`, `name="ready_path" value="/healthz"`, `<option value="h2c" selected>`)

	form := settingsOf(token)
	for name, value := range map[string]string{"ready": "http", "ready_path": "/healthz", "ready_status": "204", "start_time": "3m", "scheme": "h2c"} {
		form.Set(name, value)
	}
	s.post("/admin/apps/hello/settings", form)
	s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/settings", `{"ready_path": "/healthz", "ready_status": 204, "start_time": "180s", "scheme": "h2c"}`)
	const shown = "Readiness:{By: Path:/healthz Status:204 StartTime:3m0s Scheme:h2c}"
	if calls := s.apps.called(); len(calls) != 4 || !strings.Contains(calls[2], shown) || !strings.Contains(calls[3], shown) {
		t.Errorf("calls %q", calls)
	}
}

func TestReadiness_AllFaultsAreSaidAtTheirFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	form := settingsOf(s.signIn())
	for name, value := range map[string]string{"ready": "tcp", "ready_path": "x", "ready_status": "9", "start_time": "soon", "scheme": "ftp"} {
		form.Set(name, value)
	}
	answer := s.post("/admin/apps/hello/settings", form)
	if answer.StatusCode != http.StatusUnprocessableEntity || len(s.apps.called()) > 0 {
		t.Errorf("%d, calls %q", answer.StatusCode, s.apps.called())
	}
	mustContain(t, answer.body, `id="ready_path-problem"`, `id="ready_status-problem"`, `id="scheme-problem"`,
		`<details class="more" open><summary>Start and readiness check</summary>`)
	answer = s.upload("/upload", "", newForm(form.Get("csrf_token"), part{"start_time", "soon", ""}, zipPart)...)
	mustContain(t, answer.body, `id="start_time-problem"`, "Write it such as 90s or 3m")
}

func TestReadiness_OfTheAPIStaysWhereItIsNotNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	view.Settings.Readiness = app.Readiness{By: app.ReadyTCP, StartTime: 90 * time.Second, Scheme: "h2c"}
	s.apps.put(view)
	shown := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello", "").body)
	settings, _ := shown["settings"].(map[string]any)
	if settings["ready"] != "tcp" || settings["start_time"] != "1m30s" || settings["scheme"] != "h2c" || settings["ready_status"] != 0.0 {
		t.Errorf("settings are %v", settings)
	}
	s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/settings", `{"memory_mb": 64}`)
	if calls := s.apps.called(); len(calls) != 1 || !strings.Contains(calls[0], "Readiness:{By:tcp Path: Status:0 StartTime:1m30s Scheme:h2c}") {
		t.Errorf("calls %q", calls)
	}
}
