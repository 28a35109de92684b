package router

import (
	"net/url"
	"strings"
	"testing"
)

func TestUndo_StartsWhatWasStoppedFromBothPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, one := range []struct {
		from           url.Values
		page, location string
	}{
		{url.Values{"from": {"dashboard"}, "view": {"sort=name"}}, "/admin?sort=name", "/admin?sort=name#notice"},
		{url.Values{}, "/admin/apps/hello", "/admin/apps/hello#notice"},
	} {
		one.from.Set("csrf_token", token)
		if answer := s.post("/admin/apps/hello/stop", one.from); answer.Header.Get("Location") != one.location {
			t.Fatalf("the stop leads to %q", answer.Header.Get("Location"))
		}
		page := s.get(one.page).body
		mustContain(t, page, "hello is stopped.", `<form class="undo" method="post" action="/admin/apps/hello/start">`, "Undo")
		_, form, _ := strings.Cut(page, `<form class="undo"`)
		form, _, _ = strings.Cut(form, "</form>")
		again := url.Values{"csrf_token": {token}}
		if one.from.Has("view") {
			mustContain(t, form, `name="from" value="dashboard"`, `name="view" value="sort=name"`)
			again.Set("from", "dashboard")
			again.Set("view", "sort=name")
		}
		if answer := s.post("/admin/apps/hello/start", again); answer.Header.Get("Location") != one.location {
			t.Errorf("the undo leads to %q", answer.Header.Get("Location"))
		}
		page = s.get(one.page).body
		mustContain(t, page, "hello is starting.")
		if strings.Contains(page, `class="undo"`) {
			t.Error("a start can be undone")
		}
	}
}

func TestUndo_IsOfferedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}})
	s.get("/admin")
	s.post("/admin/apps/hello/restart", url.Values{"csrf_token": {token}})
	if strings.Contains(s.get("/admin").body, `class="undo"`) {
		t.Error("the undo of an earlier stop stands beside another notice")
	}
}
