package router

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/egress"
	"berth/controller/egress/exit"
	"berth/controller/egress/keeper"
)

// refusedOnce is what one app was refused.
type refusedOnce struct{}

func (refusedOnce) Refused(name app.Name) []keeper.Refused {
	if name != "hello" {
		return nil
	}
	return []keeper.Refused{
		{To: "evil.example.com:443", Why: exit.NotListed, Count: 3, Last: time.Now()},
		{To: "db.lan:5432", Why: exit.ClosedAddress, Count: 1, Last: time.Now()},
	}
}

func egressSite(t *testing.T, set egress.Egress) *site {
	t.Helper()
	s := newSite(t, func(o *Options) { o.Egress = refusedOnce{} })
	view := s.anApp("hello")
	view.Settings.Egress = set
	s.apps.put(view)
	return s
}

func (s *site) latest(name app.Name) egress.Egress {
	s.t.Helper()
	releases, err := s.apps.Releases(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return releases[0].Settings.Egress
}

func TestEgress_ThePageShowsWhatWasRefusedAndAddsItToTheList(t *testing.T) {
	t.Parallel()
	s := egressSite(t, egress.Egress{Mode: egress.List, Hosts: "api.example.com:443"})
	token := s.signIn()
	page := s.get("/admin/apps/hello/access").body
	mustContain(t, page, "Outgoing connections", "evil.example.com:443", "Allow<span", "db.lan:5432", "private address", "api.example.com:443")
	answer := s.post("/admin/apps/hello/egress/allow", url.Values{formField: {token}, "egress_host": {"evil.example.com:443"}})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if got := s.latest("hello"); got.Mode != egress.List || got.Hosts != "api.example.com:443\nevil.example.com:443" {
		t.Errorf("the release has %+v", got)
	}
}

func TestEgress_TheSettingsFormKeepsTheList(t *testing.T) {
	t.Parallel()
	has := egress.Egress{Mode: egress.None, Hosts: "api.example.com:443"}
	s := egressSite(t, has)
	token := s.signIn()
	answer := s.post("/admin/apps/hello/settings", url.Values{formField: {token}, "memory": {"128"}, "cpu": {"50"}, "processes": {"100"}})
	if got := s.latest("hello"); answer.StatusCode != http.StatusSeeOther || got != has {
		t.Errorf("%d, and the release has %+v", answer.StatusCode, got)
	}
}

func TestEgress_RefusesAWrongListBesideTheField(t *testing.T) {
	t.Parallel()
	s := egressSite(t, egress.Egress{})
	token := s.signIn()
	answer := s.post("/admin/apps/hello/egress", url.Values{formField: {token}, "egress": {"some"}, "egress_hosts": {"good.example.com:443\nbad"}})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, "&#34;bad&#34;", `id="egress_hosts-problem"`, "Use open (everywhere)", "good.example.com:443")
}

func TestEgress_ATokenForDeploysLoosensNothing(t *testing.T) {
	t.Parallel()
	s := egressSite(t, egress.Egress{Mode: egress.List, Hosts: "api.example.com:443"})
	path := "/api/v1/apps/hello/egress"
	for body, want := range map[string]int{
		`{"egress": "open"}`: http.StatusForbidden, `{"egress_hosts": ["api.example.com:443", "evil.example.com:443"]}`: http.StatusForbidden,
		`{"egress": "all"}`: http.StatusUnprocessableEntity, `{"egress": "list", "egress_hosts": ["x"]}`: http.StatusUnprocessableEntity,
	} {
		if answer := s.bearer(deployToken, http.MethodPut, path, body); answer.StatusCode != want {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	answer := s.bearer(readToken, http.MethodGet, path, "")
	mustContain(t, answer.body, `"egress":"list"`, `"egress_hosts":["api.example.com:443"]`, `"to":"evil.example.com:443"`, `"count":3`)
	if answer := s.bearer(deployToken, http.MethodPut, path, `{"egress": "none"}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("tighter: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(adminToken, http.MethodPut, path, `{"egress": "open"}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("an admin's token: %d %s", answer.StatusCode, answer.body)
	}
}
