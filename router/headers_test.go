package router

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	stylesheet, err := templatesOf(s).Asset("berth.css")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/healthz", "/login", "/admin", "/upload", "/password", "/settings/account", "/settings/second-factor", "/settings/sessions", "/settings/accounts", "/login/code", "/admin/apps/hello", "/admin/apps/hello/releases/2",
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

func TestHeaders_PlainConnectionGetsNoTransportSecurityAndNoHostCookie(t *testing.T) {
	s := newSite(t)
	recorder := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "http://localhost/login", nil))
	if got := recorder.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	cookie := recorder.Header().Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "berth-visitor=") || strings.Contains(cookie, "Secure") {
		t.Errorf("cookie is %q", cookie)
	}
}

func TestHeaders_ForcedHTTPSMovesPlainRequestsAndRefusesPlainForms(t *testing.T) {
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
