package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAlerts_ListsRulesOfTheStartAndChannelsWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	page := s.get("/settings/alerts")
	mustContain(t, page.body, "App down for 2 minutes", "Release failed", "Disk over 85 %", "Backup too old", "Sign-in locked", ">ops</a>", "not used yet")
	form := s.get("/settings/alerts/channels/1")
	mustContain(t, form.body, `value="https://hooks.example.com"`, `placeholder="stored"`)
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/alerts", "")
	mustContain(t, answer.body, `"watch":"metric:app_down"`, `"for":"2m"`, `"has_secret":true`)
	for _, body := range []string{page.body, form.body, answer.body} {
		if strings.Contains(body, "canary") {
			t.Error("a secret is shown")
		}
	}
}

func TestAlerts_FormsShowEveryFaultAtItsFieldAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	wrong := s.post("/settings/alerts/channels", url.Values{formField: {token}, "kind": {"email"}, "name": {"mail"}, "address": {"nowhere"}, "sender": {"x"}, "recipient": {"y"}, "secret": {"typed-secret"}})
	if wrong.StatusCode != http.StatusUnprocessableEntity || strings.Contains(wrong.body, "typed-secret") {
		t.Errorf("status %d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, `id="address-problem"`, `id="sender-problem"`, `id="recipient-problem"`, `value="nowhere"`)
	wrong = s.post("/settings/alerts/rules", url.Values{formField: {token}, "name": {"Disk"}, "watch": {"metric:disk_percent"}, "threshold": {"80"}, "clear": {"90"}, "quiet": {"25:00"}, "quiet_zone": {"Mars"}})
	mustContain(t, wrong.body, `id="clear-problem"`, `id="quiet-problem"`, `id="quiet_zone-problem"`, `value="25:00"`)
	saved := s.post("/settings/alerts/rules/5", url.Values{formField: {token}, "name": {"Disk over 70 %"}, "on": {"1"}, "watch": {"metric:disk_percent"}, "threshold": {"70"}, "for": {"90s"}, "quiet": {"22:00"}, "quiet_to": {"07:00"}, "quiet_zone": {"Europe/Berlin"}, "channel": {"1"}})
	if saved.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", saved.StatusCode, saved.body)
	}
	mustContain(t, s.get("/settings/alerts/rules/5").body, `value="1m30s"`, `value="Europe/Berlin"`, `id="channel-1" type="checkbox" name="channel" value="1" checked`)
	for _, number := range []string{"99", "x"} {
		wrong = s.post("/settings/alerts/rules/5", url.Values{formField: {token}, "name": {"Disk"}, "watch": {"metric:disk_percent"}, "threshold": {"70"}, "channel": {number}})
		mustContain(t, wrong.body, `id="channels-problem"`, "There is no channel with the number "+number)
	}
	if used := s.post("/settings/alerts/channels/1/remove", url.Values{formField: {token}}); used.StatusCode != http.StatusConflict {
		t.Errorf("a channel that a rule names was removed: %d", used.StatusCode)
	} else {
		mustContain(t, used.body, "Rules send to this channel: Disk over 70 %.")
	}
	if missing := s.get("/settings/alerts/rules/99"); missing.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", missing.StatusCode)
	}
}

func TestHeartbeat_ShowsItsHostAloneAndEveryFault(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	page := s.get("/settings/alerts")
	mustContain(t, page.body, "https://monitor.example.com, every minute", "not sent yet")
	form := s.get("/settings/alerts/heartbeat")
	mustContain(t, form.body, `placeholder="stored"`, "The stored address is on https://monitor.example.com.")
	wrong := s.post("/settings/alerts/heartbeat", url.Values{formField: {token}, "address": {"ftp://canary"}, "minutes": {"x"}, "method": {"PUT"}})
	mustContain(t, wrong.body, `id="address-problem"`, `id="minutes-problem"`, `id="method-problem"`, `value="x"`)
	if saved := s.post("/settings/alerts/heartbeat", url.Values{formField: {token}, "minutes": {"5"}, "method": {"POST"}}); saved.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", saved.StatusCode)
	}
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/alerts/heartbeat", "")
	mustContain(t, answer.body, `"host":"https://monitor.example.com"`, `"minutes":5`, `"method":"POST"`, `"last_good":null`)
	for _, body := range []string{page.body, form.body, wrong.body, answer.body} {
		if strings.Contains(body, "canary") {
			t.Error("the address is shown")
		}
	}
	if removed := s.bearer(adminToken, http.MethodDelete, "/api/v1/alerts/heartbeat", ""); removed.StatusCode != http.StatusNoContent {
		t.Errorf("%d", removed.StatusCode)
	}
	if tested := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/heartbeat/test", ""); tested.StatusCode != http.StatusNotFound {
		t.Errorf("%d", tested.StatusCode)
	}
	mustContain(t, s.get("/settings/alerts").body, "Set up heartbeat")
}
