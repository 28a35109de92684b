package router

import (
	"net/http"
	"net/url"
	"testing"
)

func TestLogin_GuessingIsLimitedAndBeingRightIsNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for range 8 { // right ones are given back
		s.signIn()
		s.client = s.browser()
	}
	token := s.formToken("/login")
	wrong := url.Values{"csrf_token": {token}, "password": {"guess"}}
	for range 5 {
		if answer := s.post("/login", wrong); answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d", answer.StatusCode)
		}
	}
	wrong.Set("password", s.accounts.password)
	answer := s.post("/login", wrong)
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	mustContain(t, answer.body, "Too many attempts", "15 minutes")
}

func TestLogin_LeadsOnlyToPagesOfOurOwn(t *testing.T) {
	t.Parallel()
	for wanted, want := range map[string]string{
		"":                        "/admin",
		"/admin/apps/hello":       "/admin/apps/hello",
		"/upload":                 "/upload",
		"https://attacker.com":    "/admin",
		"//attacker.com":          "/admin",
		"/admin//attacker.com":    "/admin",
		`/admin/\attacker.com`:    "/admin",
		"/admin/%2f%2fattacker":   "/admin",
		"javascript:alert(1)":     "/admin",
		"/admin/a\r\nSet-Cookie:": "/admin",
	} {
		if got := nextPath(wanted); got != want {
			t.Errorf("nextPath(%q) = %q, want %q", wanted, got, want)
		}
	}
}

func TestLogin_ShowsWhatWasWrongBesideTheField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.post("/login", url.Values{"csrf_token": {s.formToken("/login")}, "password": {"<b>guess"}})
	mustContain(t, answer.body, `id="password-problem"`, "Wrong user name or password.")
}
