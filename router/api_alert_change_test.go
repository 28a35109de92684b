package router

import (
	"net/http"
	"strings"
	"testing"
)

func TestAPIAlerts_CreateChangeAndRemoveARuleAndRefuseALostUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	made := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules", `{"name": "Disk", "on": true, "watch": "metric:disk_percent", "threshold": 70, "for": "90s", "channels": [1]}`)
	if made.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", made.StatusCode, made.body)
	}
	path := "/api/v1/alerts/rules/" + strings.Trim(made.body, "{}\"id: \n")
	seen := s.bearer(readToken, http.MethodGet, path, "")
	mustContain(t, seen.body, `"threshold":70`, `"clear":70`, `"for":"1m30s"`, `"channels":[1]`)
	changed := strings.Replace(seen.body, `"threshold":70`, `"threshold":75`, 1)
	if first := s.change(http.MethodPut, path, changed, seen.Header.Get("ETag")).StatusCode; first != http.StatusNoContent {
		t.Errorf("what was shown, changed and sent back: %d", first)
	}
	if second := s.change(http.MethodPut, path, changed, seen.Header.Get("ETag")).StatusCode; second != http.StatusPreconditionFailed {
		t.Errorf("a lost update: %d", second)
	}
	if gone := s.bearer(adminToken, http.MethodDelete, path, ""); gone.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", gone.StatusCode, gone.body)
	}
	if again := s.bearer(readToken, http.MethodGet, path, ""); again.StatusCode != http.StatusNotFound {
		t.Errorf("%d", again.StatusCode)
	}
}

func TestAPIAlerts_SayEveryFaultAndNeedTheScopeAdmin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wrong := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules", `{"name": "", "watch": "metric:disk_percent", "for": "soon", "pause": "later"}`)
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, `"field":"for"`, `"field":"pause"`)
	for _, path := range []string{"/api/v1/alerts/rules", "/api/v1/alerts/channels"} {
		if refused := s.bearer(readToken, http.MethodPost, path, "{}"); refused.StatusCode != http.StatusForbidden {
			t.Errorf("%s with the scope read: %d", path, refused.StatusCode)
		}
	}
}

func TestAPIAlerts_KeepRulesAndChannelsTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wrong := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules", `{"name": "Disk", "on": true, "watch": "metric:disk_percent", "threshold": 70, "channels": [1, 99]}`)
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, `"field":"channels"`, "There is no channel with the number 99.")
	made := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules", `{"name": "Disk", "on": true, "watch": "metric:disk_percent", "threshold": 70, "channels": [1]}`)
	if made.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", made.StatusCode, made.body)
	}
	used := s.bearer(adminToken, http.MethodDelete, "/api/v1/alerts/channels/1", "")
	if used.StatusCode != http.StatusConflict {
		t.Errorf("%d", used.StatusCode)
	}
	mustContain(t, used.body, "Rules send to this channel: Disk.")
}

func TestAPIAlerts_TakeASecretAndNeverShowIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	made := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/channels", `{"name": "second", "settings": {"kind": "webhook", "address": "https://second.example.com"}, "secret": "canary-fedcba9876543210"}`)
	if made.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", made.StatusCode, made.body)
	}
	path := "/api/v1/alerts/channels/" + strings.Trim(made.body, "{}\"id: \n")
	shown := s.bearer(adminToken, http.MethodGet, path, "")
	mustContain(t, shown.body, `"name":"second"`)
	list := s.bearer(adminToken, http.MethodGet, "/api/v1/alerts", "")
	mustContain(t, list.body, `"name":"second"`)
	wrong := s.bearer(adminToken, http.MethodPut, path, `{"name": "", "settings": {"kind": "webhook", "address": "nowhere"}, "secret": "canary-fedcba9876543210"}`)
	mustContain(t, wrong.body, `"field":"name"`, `"field":"address"`)
	for _, body := range []string{made.body, shown.body, list.body, wrong.body} {
		if strings.Contains(body, "canary") {
			t.Errorf("a secret is shown: %s", body)
		}
	}
}
