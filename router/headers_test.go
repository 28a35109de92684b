package router

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
)

// wantedHeaders are written out, not taken from the code: they are a promise.
var wantedHeaders = map[string]string{
	"Content-Security-Policy":      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"Strict-Transport-Security":    "max-age=31536000",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

func TestHeaders_AreOnEveryAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	stylesheet, err := templatesOf(s).Asset("berth.css")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/healthz", "/login", "/admin", "/upload", "/password", "/settings/account", "/settings/second-factor", "/settings/sessions", "/settings/accounts", "/login/code", "/admin/apps/hello", "/admin/apps/hello/releases/2", "/admin/apps/hello/releases/2/diff",
		"/admin/apps/hello/output", "/admin/apps/missing", "/nothing", "/api/v1/apps", "/static/nothing.css", stylesheet,
	}
	for _, path := range paths {
		answer := s.get(path)
		for name, want := range wantedHeaders {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if len(answer.Header.Get("X-Request-ID")) != 16 {
			t.Errorf("%s: X-Request-ID is %q", path, answer.Header.Get("X-Request-ID"))
		}
		wantCache := "no-store"
		if path == stylesheet {
			wantCache = "public, max-age=31536000, immutable"
		}
		if got := answer.Header.Get("Cache-Control"); got != wantCache && !strings.HasPrefix(path, "/static/nothing") {
			t.Errorf("%s: Cache-Control is %q, want %q", path, got, wantCache)
		}
	}
}

// TestHeaders_OfEveryLineOfTheTable asks as everybody, so that pages, redirects,
// refusals, streams, downloads and JSON are all seen.
func TestHeaders_OfEveryLineOfTheTable(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	token, _ := e.mint(account.ScopeAdmin, time.Hour, "")
	visitors := map[string]func(*http.Request){
		"anonymous": nil, "a session": e.asAccount(e.account("ada", false)), "a one-time password": e.asAccount(e.account("grace", true)),
		"a token": asBearer(token), "a bad token": asBearer("berth_bad"),
	}
	kinds := map[string]bool{}
	for _, r := range new(admin).routes() {
		for name, as := range visitors {
			answer := e.ask(r.method, concrete(r.path), as)
			expectHeaders(t, name+": "+r.method+" "+r.path, answer.Header())
			kind, _, _ := strings.Cut(answer.Header().Get("Content-Type"), ";")
			kinds[kind] = true
		}
	}
	for _, kind := range []string{"text/html", "application/json", "application/problem+json", "text/event-stream", "text/plain"} {
		if !kinds[kind] {
			t.Errorf("no answer was %s", kind)
		}
	}
	foreign := func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example") }
	elsewhere := func(r *http.Request) { r.Host = "attacker.example" }
	expectHeaders(t, "a foreign form", e.ask(http.MethodPost, "/login", foreign).Header())
	expectHeaders(t, "a foreign host", e.ask(http.MethodGet, "/login", elsewhere).Header())
	expectHeaders(t, "a hidden path", e.ask(http.MethodGet, "/..%2fx", nil).Header())
	expectHeaders(t, "no page", e.ask(http.MethodGet, "/nothing", nil).Header())
}

// expectHeaders compares with the promise: nothing but a static file is ever kept.
func expectHeaders(t *testing.T, what string, found http.Header) {
	t.Helper()
	for name, want := range wantedHeaders {
		if got := found.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
	if got := found.Get("Cache-Control"); got != "no-store" && !strings.Contains(what, "/static/") {
		t.Errorf("%s: Cache-Control is %q", what, got)
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if got := found.Values(name); len(got) > 0 {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	for _, cookie := range found.Values("Set-Cookie") {
		for _, part := range []string{"__Host-", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict"} {
			if !strings.Contains(cookie, part) {
				t.Errorf("%s: the cookie %q lacks %s", what, cookie, part)
			}
		}
	}
}

func TestHeaders_PlainConnectionGetsNoTransportSecurityAndNoHostCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	recorder := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "http://berth.localhost/login", nil))
	if got := recorder.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	cookie := recorder.Header().Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "berth-visitor=") || strings.Contains(cookie, "Secure") {
		t.Errorf("cookie is %q", cookie)
	}
}

func TestHeaders_ForcedHTTPSMovesPlainRequestsAndRefusesPlainForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.ForceHTTPS = true })
	handler := s.server.Config.Handler
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "http://localhost:8001/admin?x=1", nil))
	if got := recorder.Header().Get("Location"); recorder.Code != http.StatusPermanentRedirect || got != "https://localhost:8001/admin?x=1" {
		t.Errorf("%d to %q", recorder.Code, got)
	}
	recorder = httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "http://localhost:8001/login", nil))
	if recorder.Code != http.StatusForbidden {
		t.Errorf("plain form: %d", recorder.Code)
	}
}
