package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// overAllRequests uses the limit on all requests up for whoever the site's browser is.
func (s *site) overAllRequests() {
	s.t.Helper()
	for range 200 {
		if s.get("/healthz").StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	s.t.Fatal("the limit on all requests holds nobody back")
}

func TestLimits_FormOverTheGeneralLimitIsShownAgainWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.anApp("hello")
	s.overAllRequests()
	answer := s.post("/settings/tokens", url.Values{formField: {token}, "name": {`CI of "shop"`}, "days": {"30"}, "scope": {"deploy"}})
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, `action="/settings/tokens"`, `name="name" value="CI of &#34;shop&#34;"`, `name="days" value="30"`,
		`name="scope" value="deploy"`, "Try again in", `href="/settings/limits"`, "Send again")
	if n := len(s.apps.called()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestLimits_FormOverTheGeneralLimitNeverShowsASecret(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.anApp("hello")
	s.overAllRequests()
	for path, form := range map[string]url.Values{
		"/admin/apps/hello/environment":        {"name": {"KEY"}, "kind": {"secret"}, "value": {"hush-hush"}},
		"/admin/apps/hello/environment/import": {"text": {"A=hush-hush\nB=2"}},
		"/admin/apps/hello/access/users":       {"user": {"jane"}, "password": {"hush-hush"}},
		"/settings/proxy":                      {"dns_credentials": {"hush-hush"}, "dashboard_password": {"hush-hush"}, "email": {"a@example.com"}},
		"/settings/certificates/a.example/own": {"chain": {"-----BEGIN"}, "key": {"hush-hush\nmore"}},
		"/password":                            {"old_password": {"hush-hush"}, "new_password": {"hush-hush"}},
		"/admin/apps/hello/start":              {"a_new_field": {"hush-hush"}},
	} {
		form.Set(formField, token)
		answer := s.post(path, form)
		if answer.StatusCode != http.StatusTooManyRequests || strings.Contains(answer.body, "hush-hush") {
			t.Errorf("%s: %d, shows it: %v", path, answer.StatusCode, strings.Contains(answer.body, "hush-hush"))
		}
		for name := range form {
			if !strings.Contains(answer.body, `name="`+name+`"`) {
				t.Errorf("%s: the field %s is gone", path, name)
			}
		}
	}
}

func TestLimits_FormOverTheGeneralLimitIsSentAgainFromItsPage(t *testing.T) {
	t.Parallel()
	move, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.anApp("hello")
	s.overAllRequests()
	answer := s.post("/settings/limits", url.Values{formField: {token}, "class": {"upload"}, "budget": {"3/1h"}})
	form := url.Values{}
	for n := range parsePage(t, answer.body).Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" && attribute(n.Parent, "action") == "/settings/limits" {
			form.Add(attribute(n, "name"), attribute(n, "value"))
		}
	}
	move(2 * time.Minute)
	if again := s.post("/settings/limits", form); again.StatusCode != http.StatusSeeOther {
		t.Fatalf("sent again: %d %v", again.StatusCode, form)
	}
	mustContain(t, s.get("/settings/limits").body, "the limit is 3 per hour from now on")
}

func TestLimits_UploadOverTheGeneralLimitKeepsItsFields(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.overAllRequests()
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart)
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, "Deploy an app", `value="hello"`, `value="/hello"`, "Try again in")
}

func TestLimits_SignInOverTheGeneralLimitKeepsTheName(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	s.accounts.several = true
	token := s.formToken("/login")
	s.overAllRequests()
	answer := s.wrongLogin("grace", token, nil)
	if answer.StatusCode != http.StatusTooManyRequests || strings.Contains(answer.body, "guess") {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, `value="grace"`, `name="password"`, "Try again in")
}

func TestLimits_NothingIsKeptForAnotherSiteOrWithoutTheFormToken(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.overAllRequests()
	forged := url.Values{formField: {"wrong"}, "class": {"upload"}, "budget": {"9999/1s"}}
	if answer := s.post("/settings/limits", forged); strings.Contains(answer.body, "9999") || answer.StatusCode < 400 {
		t.Errorf("without the token: %d", answer.StatusCode)
	}
	forged.Set(formField, token)
	r := s.request(http.MethodPost, "/settings/limits", strings.NewReader(forged.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer := s.do(r); answer.StatusCode != http.StatusTooManyRequests || strings.Contains(answer.body, "9999") {
		t.Errorf("of another site: %d", answer.StatusCode)
	}
}

func TestLimits_RecoveryCodesAreNotLostToTheGeneralLimit(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	token := s.signIn()
	s.overAllRequests()
	answer := s.post("/settings/second-factor/codes/download", url.Values{formField: {token}, "recovery_code": {"aaaa-bbbb-cccc", "dddd-eeee-ffff"}})
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, "aaaa-bbbb-cccc", "dddd-eeee-ffff", "Try again in")
}

// A token has the requests of its own where all people and programs share one address.
func TestLimits_ATokenHasItsOwnBehindASharedAddress(t *testing.T) {
	t.Parallel()
	_, limits := withClock(t)
	s := newSite(t, limits)
	s.overAllRequests()
	if answer := s.bearer(readToken, http.MethodGet, "/api/v1/volumes", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("a token: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer("berth_made_up", http.MethodGet, "/api/v1/volumes", ""); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a token that there is not: %d", answer.StatusCode)
	}
	limited := 0
	for range 150 {
		if s.bearer(readToken, http.MethodGet, "/api/v1/volumes", "").StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 51 {
		t.Errorf("%d of 150 requests of a token were refused", limited)
	}
	if answer := s.bearer(deployToken, http.MethodGet, "/api/v1/volumes", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("another token: %d", answer.StatusCode)
	}
}

// typedAgain are typed again when a form was over the limit.
var typedAgain = map[string]bool{
	"password": true, "old_password": true, "new_password": true, "repeat_password": true, "dashboard_password": true,
	"code": true, "key": true, "value": true, "text": true, "environment": true, "dns_credentials": true, "secret_key": true, "secret": true, "url": true, "repository_token": true, "status_token": true, fieldKeyText: true, "backup_before": true, "backup_after": true,
}

// streamFields are of the forms with an archive, which are shown again by themselves.
var streamFields = map[string]bool{
	"archive": true, "file": true, "chain_file": true, "key_file": true, "check": true, "held": true, "other": true, "environment_plain": true, "once": true,
	"compose_text": true, "dockerfile_text": true, "example": true, "again": true,
}

func TestLimits_EveryFieldOfAFormIsKnownAsPlainOrSecret(t *testing.T) {
	t.Parallel()
	for _, page := range walk(t) {
		for n := range page.root.Descendants() {
			name := attribute(n, "name")
			if n.Type != html.ElementNode || name == "" || n.Data == "meta" || name == formField {
				continue
			}
			if plainFields[name] && (typedAgain[name] || attribute(n, "type") == "password") {
				t.Errorf("%s: the field %s is shown again, and is a secret", page.path, name)
			}
			if !plainFields[name] && !isRouteRow(name) && !typedAgain[name] && !streamFields[name] {
				t.Errorf("%s: is the field %s plain or a secret?", page.path, name)
			}
		}
	}
}
