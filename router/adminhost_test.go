package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// under is a request for a page of the admin app under another name of its own.
func (s *site) under(name, method, path, body string) *http.Request {
	s.t.Helper()
	r := s.request(method, path, strings.NewReader(body))
	_, port, _ := strings.Cut(r.URL.Host, ":")
	r.URL.Host = name + ":" + port
	r.Host = r.URL.Host
	return r
}

// sharedNames are those of the admin app that apps answer on too.
var sharedNames = []string{"127.0.0.1", "localhost", "[::1]", "other.example.com"}

func newSharedSite(t *testing.T) *site {
	t.Helper()
	return newSite(t, func(o *Options) { o.AdminHosts = []string{"other.example.com"} })
}

func TestAdminHost_BrowsersAreSentToItBeforeTheySignIn(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.server.URL, "https://"), ":")
	for _, name := range sharedNames {
		for _, path := range []string{"/", "/login?next=%2Fadmin", "/admin", "/upload"} {
			answer := s.do(s.under(name, http.MethodGet, path, ""))
			want := "https://" + adminHost + ":" + port + path
			if answer.StatusCode != http.StatusTemporaryRedirect || answer.Header.Get("Location") != want || len(answer.Cookies()) > 0 {
				t.Errorf("%s%s: %d to %q with cookies %v, want %s", name, path, answer.StatusCode, answer.Header.Get("Location"), answer.Cookies(), want)
			}
		}
	}
}

func TestAdminHost_NoRouteGivesACookieUnderASharedName(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t)
	s.anApp("hello")
	form := url.Values{formField: {s.formToken("/login")}, "password": {s.accounts.password}}.Encode()
	for _, route := range new(admin).routes() {
		path := strings.NewReplacer(":name", "hello", ":number", "1", ":account", "admin", ":id", "1", "*file", "berth.css").Replace(route.path)
		for _, bearer := range []string{"", adminToken} {
			r := s.under("127.0.0.1", route.method, path, form)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if bearer != "" {
				r.Header.Set("Authorization", "Bearer "+bearer)
			}
			if answer := s.do(r); len(answer.Cookies()) > 0 {
				t.Errorf("%s %s, bearer %t: %d gave %v", route.method, route.path, bearer != "", answer.StatusCode, answer.Cookies())
			}
		}
	}
}

func TestAdminHost_FormsUnderASharedNameAreRefusedAndSentNowhere(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t)
	form := url.Values{formField: {s.formToken("/login")}, "password": {s.accounts.password}}.Encode()
	for _, name := range sharedNames {
		r := s.under(name, http.MethodPost, "/login", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := s.do(r)
		if answer.StatusCode != http.StatusForbidden || answer.Header.Get("Location") != "" || !strings.Contains(answer.body, "https://"+adminHost) {
			t.Errorf("%s: %d to %q: %s", name, answer.StatusCode, answer.Header.Get("Location"), answer.body)
		}
	}
}

func TestAdminHost_TokensAndTheCheckOfHealthMayUseEveryName(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t)
	s.anApp("hello")
	for _, name := range sharedNames {
		for path, want := range map[string]int{"/healthz": 200, "/api/v1/apps/hello": 200} {
			r := s.under(name, http.MethodGet, path, "")
			r.Header.Set("Authorization", "Bearer "+adminToken)
			if answer := s.do(r); answer.StatusCode != want {
				t.Errorf("%s%s: %d, want %d", name, path, answer.StatusCode, want)
			}
		}
	}
	if answer := s.do(s.under("127.0.0.1", http.MethodGet, "/api/v1/apps", "")); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", answer.StatusCode)
	}
}

func TestAdminHost_SessionThatCameUnderASharedNameIsOver(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t)
	s.signIn()
	r := s.under("127.0.0.1", http.MethodGet, "/admin", "")
	r.AddCookie(&http.Cookie{Name: "__Host-berth", Value: s.cookie("__Host-berth")})
	answer := s.do(r)
	if cookies := answer.Cookies(); answer.StatusCode != http.StatusTemporaryRedirect || len(cookies) != 1 || cookies[0].MaxAge >= 0 || cookies[0].Value != "" {
		t.Errorf("%d, cookies %v", answer.StatusCode, answer.Cookies())
	}
	if again := s.get("/admin"); again.StatusCode != http.StatusSeeOther {
		t.Errorf("an app that has seen the cookie could go on: %d", again.StatusCode)
	}
}

func TestAdminHost_LinksToAppsLeadWhereAppsAnswer(t *testing.T) {
	t.Parallel()
	for admin, want := range map[string]string{
		"berth.localhost": "127.0.0.1", "berth.lan": "127.0.0.1", "berth.example.com": "example.com",
	} {
		if got := likelyAppsHost(admin); got != want {
			t.Errorf("%s: %s, want %s", admin, got, want)
		}
	}
}
