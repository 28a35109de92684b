package router

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"berth/controller/account"
	"berth/controller/app"
	"berth/traefik"
)

const goodAccessPassword = "four-Loud.geese-8"

// access is what the fake has of the app.
func (s *site) access(name app.Name) traefik.Access {
	s.t.Helper()
	view, err := s.apps.App(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return view.Access
}

func TestAccessPage_FirstUserTurnsThePasswordOnAndTheLastClosesTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/access/users", url.Values{formField: {token}, "user": {"ann"}, "password": {goodAccessPassword}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/access#notice" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	if access := s.access("hello"); !access.Password || len(access.Users) != 1 || strings.Contains(access.Users[0].Hash, goodAccessPassword) {
		t.Errorf("access %+v", access)
	}
	page := s.get("/admin/apps/hello/access").body
	mustContain(t, page, "ann can sign in", `id="user-ann"`, `<span class="badge good">on</span>`)
	mustContain(t, s.get("/admin/apps/hello").body, "1 user")

	s.post("/admin/apps/hello/access/users/remove", url.Values{formField: {token}, "user": {"ann"}})
	page = s.get("/admin/apps/hello/access").body
	mustContain(t, page, "The app is closed", "Turn off password protection")
	mustContain(t, s.get("/admin/apps/hello").body, "so it has no route", "Add a user, or open it")

	s.post("/admin/apps/hello/access/password", url.Values{formField: {token}, "on": {"0"}})
	if access := s.access("hello"); access.Password || access.Closed() {
		t.Errorf("not open: %+v", access)
	}
}

func TestAccessPage_PasswordThatBerthMakesIsShownOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/access/users", url.Values{formField: {token}, "user": {"ann"}, "password": {""}, "generate": {"1"}})
	found := regexp.MustCompile(`id="fresh"[^>]* value="([0-9A-Z-]{19})"`).FindStringSubmatch(answer.body)
	if answer.StatusCode != http.StatusOK || found == nil {
		t.Fatalf("%d: %.2000s", answer.StatusCode, answer.body)
	}
	if again := s.get("/admin/apps/hello/access").body; strings.Contains(again, found[1]) {
		t.Error("the password is shown again")
	}
	if strings.Contains(s.logged.String(), found[1]) {
		t.Error("the password is in the log")
	}
}

func TestAccessPage_NoHashAndNoPasswordIsEverShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	hash := "$2a$08$" + strings.Repeat("h", 53)
	view.Access = traefik.Access{Password: true, Users: []traefik.User{{Name: "ann", Hash: hash}}}
	s.apps.put(view)
	token := s.signIn()
	weak := s.post("/admin/apps/hello/access/users", url.Values{formField: {token}, "user": {"bob"}, "password": {"Password1234!"}})
	if weak.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("weak password: %d", weak.StatusCode)
	}
	mustContain(t, weak.body, `value="bob"`, `id="access-password-problem"`)
	for _, body := range []string{weak.body, s.get("/admin/apps/hello/access").body, s.get("/admin/apps/hello").body} {
		if strings.Contains(html.UnescapeString(body), hash) || strings.Contains(body, "Password1234!") {
			t.Errorf("shown: %s", body)
		}
	}
}

func TestAccessPage_ProblemsStandBesideTheirFieldAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/access", url.Values{
		formField: {token}, "allow": {"0.0.0.0/0"}, "rate": {"many"}, "period": {"minute"}, "max_body": {"9999"},
		"csp": {"default-src <script>"}, "permissions_policy": {"camera"}, "frame_options": {"ALLOWALL"}, "referrer_policy": {"all"},
	})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("status %d", answer.StatusCode)
	}
	for _, field := range []string{"allow", "rate", "max_body", "csp", "permissions_policy", "frame_options", "referrer_policy"} {
		mustContain(t, answer.body, `id="`+field+`-problem"`)
	}
	mustContain(t, answer.body, "0.0.0.0/0</textarea>", `value="many"`, `<option selected>minute</option>`, "default-src &lt;script&gt;")
	if access := s.access("hello"); !access.Equal(traefik.Access{}) {
		t.Errorf("saved: %+v", access)
	}
}

func TestAccessPage_RulesAndMaintenanceAreSaved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.post("/admin/apps/hello/access", url.Values{
		formField: {token}, "allow": {"192.0.2.7 2001:db8::/48"}, "rate": {"30"}, "period": {"minute"}, "burst": {"60"}, "max_body": {"2"},
		"csp": {"default-src 'self'; img-src *"}, "permissions_policy": {"camera=()"}, "frame_options": {"DENY"}, "no_sniff": {"1"},
	})
	s.post("/admin/apps/hello/access/maintenance", url.Values{formField: {token}, "on": {"1"}, "text": {"Back <b>soon</b>"}})
	page := s.get("/admin/apps/hello/access").body
	mustContain(t, page, "192.0.2.7\n2001:db8::/48</textarea>", `name="rate" value="30"`, "<option selected>minute</option>",
		`name="burst" value="60"`, `name="max_body" value="2"`, "default-src &#39;self&#39;; img-src *", "<option selected>DENY</option>",
		"Back &lt;b&gt;soon&lt;/b&gt;", "Turn off maintenance")
	mustContain(t, s.get("/admin/apps/hello").body, "Maintenance is on")
}

func TestAccessPage_EncodedCharactersAreByTheKindOfAppUntilOneChooses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, choice := range []string{"names", "slash", "none", ""} {
		s.post("/admin/apps/hello/access", url.Values{formField: {token}, "encoded_paths": {choice}})
		if got := s.access("hello").EncodedPaths; string(got) != choice {
			t.Errorf("chosen %q, saved %q", choice, got)
		}
		if choice != "" {
			mustContain(t, s.get("/admin/apps/hello/access").body, `value="`+choice+`" selected`)
		}
	}
	page := s.post("/admin/apps/hello/access", url.Values{formField: {token}, "encoded_paths": {"all"}, "allow": {""}})
	if page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a choice that is none: %d", page.StatusCode)
	}
	mustContain(t, page.body, "is not a choice of encoded characters")
}

func TestAccessPage_RedirectToTheSlashIsOnUntilItIsTurnedOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	const box, checked = `name="no_slash_redirect" value="1"`, `name="no_slash_redirect" value="1" checked`
	for _, turn := range []struct{ form, want string }{{"", box + " aria"}, {"1", checked}, {"", box + " aria"}} {
		form := url.Values{formField: {token}}
		if turn.form != "" {
			form.Set("no_slash_redirect", turn.form)
		}
		s.post("/admin/apps/hello/access", form)
		mustContain(t, s.get("/admin/apps/hello/access").body, turn.want)
		if off := s.access("hello").NoSlashRedirect; off != (turn.form != "") {
			t.Errorf("%+v: off is %t", turn, off)
		}
	}
}

func TestAccessAPI_NeedsTheScopeAdminToChangeAndShowsNoHash(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	ask := func(scope account.Scope, method, body string) (int, string) {
		plain, _ := e.mint(scope, account.MaxTokenTTL, "")
		answer := e.ask(method, "/api/v1/apps/hello/access", func(r *http.Request) {
			asBearer(plain)(r)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", "application/json")
		})
		return answer.Code, answer.Body.String()
	}
	change := `{"users": {"ann": "` + goodAccessPassword + `"}, "rules": {"allow": ["192.0.2.0/24"], "rate": {"requests": 5, "period": "second"}, "max_body_mb": 1, "no_slash_redirect": true, "encoded_paths": "slash"}, "maintenance": {"on": true, "text": "soon"}}`
	for _, scope := range []account.Scope{account.ScopeRead, account.ScopeDeploy} {
		if status, _ := ask(scope, http.MethodPatch, change); status != http.StatusForbidden {
			t.Errorf("scope %s: %d", scope, status)
		}
	}
	status, body := ask(account.ScopeAdmin, http.MethodPatch, change)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	_, body = ask(account.ScopeRead, http.MethodGet, "")
	var shown accessJSON
	if err := json.Unmarshal([]byte(body), &shown); err != nil || !shown.Password || len(shown.Users) != 1 || shown.Rules.Rate.Burst != 5 || !shown.Rules.NoSlashRedirect || shown.Rules.EncodedPaths != "slash" || !shown.Maintenance.On {
		t.Errorf("%s, %v", body, err)
	}
	if strings.Contains(body, "$2") || strings.Contains(body, goodAccessPassword) {
		t.Errorf("a hash or a password is shown: %s", body)
	}
	status, body = ask(account.ScopeAdmin, http.MethodPatch, `{"remove": ["ann"]}`)
	if status != http.StatusOK || !strings.Contains(body, `"closed":true`) || !strings.Contains(body, "192.0.2.0/24") {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask(account.ScopeAdmin, http.MethodPatch, `{"passwords": 1}`); status != http.StatusUnprocessableEntity {
		t.Errorf("an unknown key: %d", status)
	}
}
