package routing_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

// under gives the street hosts of Berth's own, a base domain, and no DNS provider.
func (s *street) under(admin, base traefik.Host) {
	s.Routes = routing.New(routing.Options{
		Ledger: s.ledger, Proxy: s.proxy, Publisher: s.proxy, Logger: slog.New(slog.DiscardHandler),
		Locks: app.NewLocks(), Notify: s.note, Reconcile: func() { s.note("") },
		Check: domaincheck.Options{Resolver: "127.0.0.1:1"}, Reserved: []traefik.Host{admin}, Base: base, Domains: overHTTP{},
	})
}

// overHTTP are domains that get certificates by a challenge over HTTP alone.
type overHTTP struct{}

func (overHTTP) Secure(_ context.Context, table traefik.Table) (traefik.Table, error) {
	return table, nil
}

func (overHTTP) Reserves(host traefik.Host) bool { return host.Matches("proxy.example.net") }

func (overHTTP) Issues(host traefik.Host) bool { return !host.IsWildcard() }

func TestWildcard_CoversNothingOfBerthNorOfEverybody(t *testing.T) {
	s := newStreet(t)
	s.under("berth.example.com", "apps.example.org")
	for _, text := range []string{
		"*.example.com",       // where the admin app is
		"*.berth.example.com", // whose cookies could reach it
		"*.a.berth.example.com",
		"*.bérth.example.com", // which people take for it
		"*.apps.example.org",  // the hosts of all apps
		"*.example.org",       // the base domain itself
		"*.example.net",       // the proxy's dashboard
		"*.co.uk", "*.github.io", "*.com", "*", "*.*.example.edu", "a.*.example.edu", "*.cloud.internal",
	} {
		_, err := s.ParseRoute(text)
		wantProblem(t, err, problem.KindInvalid, "route")
	}
	for _, text := range []string{"*.example.edu", "*.shop.example.com", "*.shop.apps.example.org/api", "*.bücher.example"} {
		if _, err := s.ParseRoute(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := s.ParseHost("*.example.edu"); err == nil {
		t.Error("a redirect can begin at a wildcard")
	}
	for name, good := range map[app.Name]bool{"shop": true, "other": false} {
		if err := s.RefuseForeignName(name, s.route("*.shop.apps.example.org")); (err == nil) != good {
			t.Errorf("below the name of shop, %s gets %v", name, err)
		}
	}
}

func TestWildcard_AnswersWhereNoOtherHostDoes(t *testing.T) {
	s := newStreet(t)
	s.live("tenants")
	s.live("site")
	for name, text := range map[app.Name]string{"tenants": "*.example.com", "site": "example.com"} {
		if _, err := s.Update(t.Context(), name, app.RouteChange{Add: []traefik.Route{s.route(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Update(t.Context(), "site", app.RouteChange{Add: []traefik.Route{s.route("a.example.com")}})
	if fault := wantProblem(t, err, problem.KindConflict, "route"); !strings.Contains(fault.Message, "The app tenants answers at *.example.com") {
		t.Errorf("%+v", fault)
	}
	if rules := s.proxy.rules(); rules["HostRegexp(`^[a-z0-9_-]+\\.example\\.com\\.?$`)"] != "tenants-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	home, err := s.Home(t.Context())
	if err != nil || slices.Contains(home.Choices, s.route("*.example.com")) {
		t.Errorf("visitors of / could be sent to a star: %v, %v", home.Choices, err)
	}
}

func TestWildcard_CheckSaysThatOnlyDNSProvesIt(t *testing.T) {
	s := newStreet(t)
	s.under("berth.example.com", "")
	check, err := s.CheckHost(t.Context(), "*.example.edu")
	if err != nil || len(check.Findings) == 0 || check.Findings[0].Outcome != domaincheck.Bad || !strings.Contains(check.Findings[0].Hint, "DNS provider") {
		t.Errorf("found %+v, %v", check.Findings, err)
	}
}
