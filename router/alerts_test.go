package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/alert"
	"berth/controller/audit"
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
	wrong := s.post("/settings/alerts/heartbeat", url.Values{formField: {token}, "url": {"ftp://canary"}, "minutes": {"x"}, "method": {"PUT"}})
	mustContain(t, wrong.body, `id="url-problem"`, `id="minutes-problem"`, `id="method-problem"`, `value="x"`)
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

// firing are alerts of which the first rule fires for the app hello.
func firing(t *testing.T) fakeAlerts {
	t.Helper()
	alerts := newFakeAlerts(t, "hello")
	book, err := alerts.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rule := book.Rules[0]
	rule.For = 0
	if _, err := alerts.SaveRule(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	if err := alerts.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	return alerts
}

func TestMute_ShowsUntilWhenAndByWhomAndCanBeEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Alerts = firing(t) })
	token := s.signIn()
	mustContain(t, s.get("/settings/alerts").body, "</strong>: hello", `action="/settings/alerts/rules/1/mute"`, `value="app/hello"`, "Until it is over")
	if muted := s.post("/settings/alerts/rules/1/mute", url.Values{formField: {token}, "subject": {"app/hello"}, "for": {"8h"}}); muted.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %s", muted.StatusCode, muted.body)
	}
	if entries := s.recorded(audit.ActionAlertMute); len(entries) != 1 || entries[0].Resource != "alert rule App down for 2 minutes" || entries[0].Detail != "muted: 8h app/hello" {
		t.Errorf("recorded %+v", entries)
	}
	page := s.get("/settings/alerts").body
	mustContain(t, page, "</strong>: hello", "muted until <time", ", by admin", "Unmute")
	if strings.Contains(page, `action="/settings/alerts/rules/1/mute"`) {
		t.Error("what is muted can be muted again")
	}
	mustContain(t, s.bearer(readToken, http.MethodGet, "/api/v1/alerts", "").body, `"subject":"hello"`, `"muted":{"until":"`, `"by":"admin"}`, `"mutes":[{"rule":1,"subject":"hello"`)
	if ended := s.post("/settings/alerts/rules/1/unmute", url.Values{formField: {token}, "subject": {"app/hello"}}); ended.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", ended.StatusCode)
	}
	mustContain(t, s.bearer(readToken, http.MethodGet, "/api/v1/alerts", "").body, `"muted":null`, `"mutes":[]`)
}

func TestMute_OfARuleIsOnItsPageAndRefusesWhatItCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Alerts = firing(t) })
	s.signIn()
	muted := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules/5/mute", `{"for": "24h"}`)
	if muted.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", muted.StatusCode, muted.body)
	}
	mustContain(t, s.get("/settings/alerts/rules/5").body, "Nothing is sent about this rule until <time", "Unmute rule")
	mustContain(t, s.get("/settings/alerts/rules/1").body, "Mute rule")
	for body, want := range map[string]int{
		`{"for": "2h"}`: http.StatusUnprocessableEntity, `{"for": "over"}`: http.StatusConflict, `{"for": "1h", "subject": "hello"}`: http.StatusNotFound,
	} {
		if refused := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules/5/mute", body); refused.StatusCode != want {
			t.Errorf("%s: %d %s", body, refused.StatusCode, refused.body)
		}
	}
	if over := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules/1/mute", `{"for": "over", "subject": "hello"}`); over.StatusCode != http.StatusOK || !strings.Contains(over.body, `"until":null`) {
		t.Errorf("%d %s", over.StatusCode, over.body)
	}
	mustContain(t, s.get("/settings/alerts").body, "muted until it is over, by token ")
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if ended := s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules/5/unmute", ""); ended.StatusCode != want {
			t.Errorf("%d %s", ended.StatusCode, ended.body)
		}
	}
	if refused := s.bearer(readToken, http.MethodPost, "/api/v1/alerts/rules/1/mute", `{"for": "1h"}`); refused.StatusCode != http.StatusForbidden {
		t.Errorf("with the scope read: %d", refused.StatusCode)
	}
}

// lostHeart is one whose monitor takes nothing.
type lostHeart struct{ Heart }

func (lostHeart) Heartbeat(context.Context) (alert.Heartbeat, error) {
	return alert.Heartbeat{Host: "https://monitor.example.com", Sealed: []byte("x"), Minutes: 1, FailedAt: time.Now(), Error: "the server answered 404 Not Found"}, nil
}

func TestHeartbeat_DashboardSaysThatItFails(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Heart = lostHeart{o.Heart} })
	s.signIn()
	mustContain(t, s.get("/admin").body, "The heartbeat to your monitor fails.")
	mustContain(t, s.get("/settings/alerts").body, "failing", "the server answered 404 Not Found")
}
