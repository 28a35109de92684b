package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

func TestRootStart_StandsInAmberAndNeedsAnAdminsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("shop")
	form := settingsOf(s.signIn())
	form.Set("root_start", "db, web")
	if answer := s.post("/admin/apps/shop/settings", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %.500s", answer.StatusCode, answer.body)
	}
	if calls := strings.Join(s.apps.called(), "\n"); !strings.Contains(calls, "RootStart:db,web") {
		t.Errorf("calls %q", calls)
	}
	const path = "/api/v1/apps/shop/settings"
	answer := s.bearer(deployToken, http.MethodPost, path, `{"root_start": ["db"]}`)
	if answer.StatusCode != http.StatusForbidden || decode(t, answer.body)["field"] != "root_start" {
		t.Errorf("scope deploy: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(adminToken, http.MethodPost, path, `{"root_start": ["db"]}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("scope admin: %d %s", answer.StatusCode, answer.body)
	}
	view.Settings.Choices.RootStart = "db"
	s.apps.put(view)
	mustContain(t, s.get("/admin/apps/shop").body, `<span class="badge warn">Security exception: root start (db)</span>`)
	mustContain(t, s.get("/admin/apps/shop/settings").body, `name="root_start" value="db"`)
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"root_start": ["db", "web"]}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("one more service with scope deploy: %d", answer.StatusCode)
	}
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"memory_mb": 128}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("what the app has stays with scope deploy: %d %s", answer.StatusCode, answer.body)
	}
}

func TestRootStart_IsOfferedOnThePreviewAndTickedBeforehand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	preview := app.Preview{Kind: "Compose app", Services: []string{"web"}, Plan: []app.ServicePreview{
		{Name: "web", Image: "nginx:1", Main: true, RootStart: "is made of the image nginx", Unmounted: []string{"/data"}},
		{Name: "db", Image: "postgres:17", Loosens: []string{"root start"}},
	}}
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) { return preview, nil }
	parts := []part{{"name", "shop", ""}, {"route", "/shop", ""}, {fieldCheck, "1", ""}, zipPart}
	page := s.upload("/upload", "", newForm(token, parts...)...).body
	mustContain(t, page, `name="root_start" value="web" aria-describedby="held-root_start-hint" checked>`, "It is made of the image nginx.",
		`name="image_volumes" value="1" checked>`, "<code>/data</code>", `<span class="badge warn">Security exception: root start</span>`)
	preview.RootStartForbidden = true
	page = s.upload("/upload", "", newForm(token, parts...)...).body
	mustContain(t, page, `name="root_start" value="web" aria-describedby="held-root_start-hint" disabled>`, "The operator of this server forbids it")
}

func TestRootStart_IsOneClickOnTheReleaseThatNeedsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	token := s.signIn()
	s.aFailure(problem.Remedy{RootStart: "web"})
	mustContain(t, s.get("/admin/apps/hello/releases/5").body, "Let web start as root and try again", `name="root_start" value="web"`)
	if answer := s.post("/admin/apps/hello/releases/5/retry", url.Values{formField: {token}, "root_start": {"web"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", answer.StatusCode)
	}
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/releases/5/retry", `{"root_start": ["web"]}`)
	if answer.StatusCode != http.StatusForbidden || decode(t, answer.body)["field"] != "root_start" {
		t.Errorf("scope deploy: %d %s", answer.StatusCode, answer.body)
	}
	s.apps.forbidden = []app.Waiver{app.WaiverWritableRoot}
	if page := s.get("/admin/apps/hello/releases/5").body; strings.Contains(page, "start as root and try again") {
		t.Error("what the operator forbids is offered")
	}
	s.apps.forbidden = nil
	view.Settings.Choices.RootStart = "web"
	s.apps.put(view)
	if page := s.get("/admin/apps/hello/releases/5").body; strings.Contains(page, "start as root and try again") {
		t.Error("what it has is offered")
	}
}

func TestRootStart_OfAKnownImageIsTickedOnTheFormThatRefusesIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	refusal := problem.Refusals{
		{File: "compose.yaml", Line: 3, Reason: "The service web wants to run as root.", Offer: problem.OfferRootStart, Subject: "web", Likely: true},
		{File: "compose.yaml", Line: 5, Reason: "The service own wants to run as root.", Offer: problem.OfferRootStart, Subject: "own"},
	}
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{}, problem.Refused("archive", refusal)
	}
	parts := []part{{"name", "shop", ""}, {"route", "/shop", ""}, {fieldCheck, "1", ""}, zipPart}
	page := s.upload("/upload", "", newForm(token, parts...)...).body
	mustContain(t, page, `value="web" aria-describedby="ask-root_start-hint" checked>`, `value="own" aria-describedby="ask-root_start-hint">`)
	s.apps.forbidden = []app.Waiver{app.WaiverRootStart}
	page = s.upload("/upload", "", newForm(token, parts...)...).body
	mustContain(t, page, `value="web" aria-describedby="ask-root_start-hint" disabled>`)
}
