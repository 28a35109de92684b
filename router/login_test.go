package router

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestLogin_GuessingIsLimitedAndBeingRightIsNot(t *testing.T) {
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
	s := newSite(t)
	answer := s.post("/login", url.Values{"csrf_token": {s.formToken("/login")}, "password": {"<b>guess"}})
	mustContain(t, answer.body, `id="password-problem"`, "The name or the password is not right.")
}

func TestLimiter_ForgetsWhatIsOutsideTheWindow(t *testing.T) {
	now := time.Now()
	l := newAddressLimiter(map[limitClass]budget{limitLogin: {requests: 2, window: time.Minute}})
	l.now = func() time.Time { return now }
	for range 2 {
		if _, _, ok := l.take(limitLogin, "a"); !ok {
			t.Fatal("refused within the budget")
		}
	}
	if _, wait, ok := l.take(limitLogin, "a"); ok || wait != time.Minute {
		t.Errorf("ok %v, wait %s", ok, wait)
	}
	if _, _, ok := l.take(limitLogin, "b"); !ok {
		t.Error("one address was counted against another")
	}
	now = now.Add(61 * time.Second)
	refund, _, ok := l.take(limitLogin, "a")
	if !ok {
		t.Fatal("still refused after the window")
	}
	refund()
	if len(l.taken) != 1 {
		t.Errorf("%d addresses are kept", len(l.taken))
	}
}
