package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
)

const sessionCookie = "__Host-berth"

func TestSession_SignInGivesANewIDAndNeverAPlantedOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	planted := newSessionID()
	base, _ := url.Parse(s.server.URL)
	s.client.Jar.SetCookies(base, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/", Secure: true}})
	s.signIn()
	first := s.cookie(sessionCookie)
	if first == "" || first == planted {
		t.Fatalf("the session's id is %q, planted was %q", first, planted)
	}
	form := url.Values{"csrf_token": {s.formToken("/password")}, "password": {s.accounts.password}}
	s.post("/login", form)
	if second := s.cookie(sessionCookie); second == first {
		t.Error("a second sign-in kept the id")
	}
	if s.sessions.count() != 1 {
		t.Errorf("%d sessions, the old id still stands", s.sessions.count())
	}
}

func TestSession_CookieIsStrictAndTheLedgerKnowsOnlyTheHash(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{"csrf_token": {s.formToken("/login")}, "password": {s.accounts.password}}
	header := s.post("/login", form).Header.Get("Set-Cookie")
	mustContain(t, header, sessionCookie+"=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict")
	if strings.Contains(header, "Domain") {
		t.Errorf("cookie has a domain: %s", header)
	}
	id := s.cookie(sessionCookie)
	if len(id) != 43 {
		t.Errorf("id %q is not 256 bits", id)
	}
	for hash, row := range s.sessions.rows {
		if hash == id || strings.Contains(string(row.Data), id) || len(hash) != 64 {
			t.Errorf("the ledger holds %q for the id %q", hash, id)
		}
	}
}

func TestSession_EndsWhenIdleAndWhenOld(t *testing.T) {
	t.Parallel()
	for name, past := range map[string][2]time.Duration{
		"idle": {account.SessionIdle, account.SessionIdle},
		"old":  {account.SessionAbsolute, time.Minute},
	} {
		s := newSite(t)
		s.signIn()
		s.sessions.age(past[0], past[1])
		if answer := s.get("/admin"); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestSession_UseKeepsItAndStreamsDoNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	s.sessions.age(20*time.Minute, 20*time.Minute)
	seen := func() time.Duration {
		for _, row := range s.sessions.rows {
			return time.Since(row.SeenAt)
		}
		return 0
	}
	stream := openEvents(t, s, "/admin/events", "")
	stream.next(t)
	stream.close()
	if seen() < 19*time.Minute {
		t.Error("an open page counted as a sign of life")
	}
	s.get("/admin")
	if seen() > time.Minute {
		t.Errorf("seen %s ago", seen())
	}
}

func TestSession_PasswordChangeEndsTheOthersAndRenewsThisOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mine := s.client
	s.client = s.browser()
	s.signIn()
	other := s.client
	s.client = mine
	token := s.signIn()
	before := s.cookie(sessionCookie)
	answer := s.post("/password", url.Values{
		"csrf_token": {token}, "old_password": {s.accounts.password}, "new_password": {"a longer passphrase"},
	})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", answer.StatusCode)
	}
	if s.cookie(sessionCookie) == before {
		t.Error("the id is the old one")
	}
	page := s.get("/admin")
	mustContain(t, page.body, "The password is changed.")
	if strings.Contains(s.get("/admin").body, "The password is changed.") {
		t.Error("the notice is shown twice")
	}
	s.client = other
	if answer := s.get("/admin"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the other session still stands: %d", answer.StatusCode)
	}
}

func TestSession_SignOutEndsItOnTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	kept := s.cookie(sessionCookie)
	s.post("/logout", url.Values{"csrf_token": {token}})
	if s.sessions.count() != 0 {
		t.Error("the row is still there")
	}
	r := s.request(http.MethodGet, "/admin", nil)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: kept})
	if answer := s.do(r); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the old cookie opens: %d", answer.StatusCode)
	}
}

func TestSession_StreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	v := s.sessions
	if v.count() != 1 {
		t.Fatal("no session")
	}
	store := newSessionStore(s.sessions, true, adminHost)
	id := s.cookie(sessionCookie)
	if !store.holds(t.Context(), id) {
		t.Fatal("the session does not hold")
	}
	_ = s.sessions.DeleteSessionsOf(t.Context(), s.accounts.account.ID)
	if store.holds(t.Context(), id) {
		t.Error("the session holds after its end")
	}
}
