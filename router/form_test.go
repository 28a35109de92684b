package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestForm_EveryFormNeedsItsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for _, r := range new(admin).routes() {
		if r.method != post || !r.access.session || r.form == inStream {
			continue
		}
		s := s
		if r.limit == limitLogin { // few tries fit into its budget
			s = newSite(t)
			s.anApp("hello")
			s.signIn()
		}
		for _, token := range []string{"", "wrong", strings.Repeat("A", 43)} {
			answer := s.post(concrete(r.path), url.Values{"csrf_token": {token}, "confirm": {"hello"}, "release": {"1"}})
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s with token %q: %d", r.path, token, answer.StatusCode)
			}
		}
		if calls := s.apps.called(); len(calls) > 0 {
			t.Errorf("%s reached the controller: %q", r.path, calls)
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestForm_TokenInTheAddressCountsForNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	if answer := s.post("/admin/apps/hello/stop?csrf_token="+token, nil); answer.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestForm_TokenOfAnotherSessionIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	other := s.signIn()
	s.client = s.browser()
	mine := s.signIn()
	if other == mine {
		t.Fatal("two sessions share a form token")
	}
	if answer := s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {other}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", answer.StatusCode)
	}
	if answer := s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {mine}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("own token: %d", answer.StatusCode)
	}
}

func TestForm_SignInNeedsTheVisitorsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{"password": {s.accounts.password}}
	if answer := s.post("/login", form); answer.StatusCode != http.StatusForbidden {
		t.Errorf("no token: %d", answer.StatusCode)
	}
	form.Set("csrf_token", s.formToken("/login"))
	s.client = s.browser()
	if answer := s.post("/login", form); answer.StatusCode != http.StatusForbidden {
		t.Errorf("token of another browser: %d", answer.StatusCode)
	}
	if s.sessions.count() != 0 {
		t.Error("a visitor was given a session")
	}
}

func TestForm_TooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	form := url.Values{"csrf_token": {token}, "confirm": {strings.Repeat("x", 2<<20)}}
	answer := s.post("/admin/apps/hello/delete", form)
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "larger than 1 MB")
}
