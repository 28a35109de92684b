package store_test

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/traefik"
)

func routesOf(t *testing.T, texts ...string) []traefik.Route {
	t.Helper()
	var routes []traefik.Route
	for _, text := range texts {
		route, err := traefik.ParseRoute(text)
		must(t, err)
		routes = append(routes, route)
	}
	return routes
}

func wantRoutes(t *testing.T, ledger *store.Store, app app.Name, texts ...string) {
	t.Helper()
	found, err := ledger.FindApp(t.Context(), app)
	must(t, err)
	if want := routesOf(t, texts...); !slices.Equal(found.Routes, want) {
		t.Errorf("%s has %v, want %v", app, found.Routes, want)
	}
}

func TestUpdateRoutes_AddsChangesInPlaceAndRemoves(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello", "b.example.com")
	change := func(change app.RouteChange) {
		t.Helper()
		_, err := ledger.UpdateRoutes(t.Context(), "hello", change)
		must(t, err)
	}
	change(app.RouteChange{Add: routesOf(t, "c.example.com", "/hello")}) // what is there stays as it is
	wantRoutes(t, ledger, "hello", "/hello", "b.example.com", "c.example.com")
	change(app.RouteChange{Remove: routesOf(t, "b.example.com"), Add: routesOf(t, "d.example.com/x")})
	wantRoutes(t, ledger, "hello", "/hello", "d.example.com/x", "c.example.com")
	change(app.RouteChange{Remove: routesOf(t, "/hello", "c.example.com")})
	wantRoutes(t, ledger, "hello", "d.example.com/x")
	change(app.RouteChange{Remove: routesOf(t, "d.example.com/x"), Add: routesOf(t, "/only")}) // the only one can be changed
	wantRoutes(t, ledger, "hello", "/only")
}

func TestUpdateRoutes_RefusalsChangeNothing(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "hello", "/hello")
	createApp(t, ledger, "other", "/other")
	must(t, ledger.CreateRedirect(ctx, traefik.Redirect{From: "www.example.com", To: "example.com"}))
	for _, c := range []struct {
		change app.RouteChange
		want   error
	}{
		{app.RouteChange{Remove: routesOf(t, "/hello")}, app.ErrLastRoute},
		{app.RouteChange{Remove: routesOf(t, "/never"), Add: routesOf(t, "/new")}, app.ErrNoRoute},
		{app.RouteChange{Add: routesOf(t, "/new", "/other")}, app.ErrRouteTaken},
		{app.RouteChange{Add: routesOf(t, "/new", "/other"), TakeOver: true}, app.ErrLastRoute},
		{app.RouteChange{Add: routesOf(t, "/new", "www.example.com/a")}, app.ErrHostRedirects},
	} {
		_, err := ledger.UpdateRoutes(ctx, "hello", c.change)
		wantError(t, err, c.want)
	}
	wantRoutes(t, ledger, "hello", "/hello")
	wantRoutes(t, ledger, "other", "/other")
	_, err := ledger.UpdateRoutes(ctx, "hello", app.RouteChange{Add: routesOf(t, "/other")})
	var taken *app.RouteTakenError
	if !errors.As(err, &taken) || taken.App != "other" {
		t.Errorf("the owner is not named: %v", err)
	}
	_, err = ledger.UpdateRoutes(ctx, "nobody", app.RouteChange{Add: routesOf(t, "/x")})
	wantError(t, err, problem.ErrNotFound)
	must(t, ledger.UpdateWanted(ctx, "hello", app.WantedDeleted))
	_, err = ledger.UpdateRoutes(ctx, "hello", app.RouteChange{Add: routesOf(t, "/x")})
	wantError(t, err, problem.ErrNotFound)
}

func TestUpdateRoutes_TakesOverInOneTransaction(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	createApp(t, ledger, "other", "/other", "shop.example.com")
	from, err := ledger.UpdateRoutes(t.Context(), "hello", app.RouteChange{Add: routesOf(t, "shop.example.com"), TakeOver: true})
	must(t, err)
	if !slices.Equal(from, []app.Name{"other"}) {
		t.Errorf("taken from %v", from)
	}
	wantRoutes(t, ledger, "hello", "/hello", "shop.example.com")
	wantRoutes(t, ledger, "other", "/other")

	// What is about to go loses its last one too.
	must(t, ledger.UpdateWanted(t.Context(), "other", app.WantedDeleted))
	_, err = ledger.UpdateRoutes(t.Context(), "hello", app.RouteChange{Add: routesOf(t, "/other"), TakeOver: true})
	must(t, err)
}

func TestUpdateRoutes_ManyTakersLeaveOneOwner(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	apps := []app.Name{"a", "b", "c", "d"}
	for _, app := range apps {
		createApp(t, ledger, app, "/"+string(app))
	}
	var group sync.WaitGroup
	for range 5 {
		for _, name := range apps {
			group.Go(func() {
				_, err := ledger.UpdateRoutes(t.Context(), name, app.RouteChange{Add: routesOf(t, "shop.example.com"), TakeOver: true})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	list, err := ledger.ListApps(t.Context())
	must(t, err)
	owners := 0
	for _, app := range list {
		if slices.Contains(app.Routes, routesOf(t, "shop.example.com")[0]) {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d apps have the route", owners)
	}
}

func TestRedirects_AreUniqueAgainstRoutesAndLeadNowhereBack(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "hello", "/hello", "example.com/a")
	first := traefik.Redirect{From: "www.example.com", To: "example.com", Permanent: true}
	must(t, ledger.CreateRedirect(ctx, first))
	must(t, ledger.CreateRedirect(ctx, traefik.Redirect{From: "old.example", To: "www.example.com"}))
	for want, redirect := range map[error]traefik.Redirect{
		app.ErrRedirectTaken: {From: "www.example.com", To: "other.example"},
		app.ErrRouteTaken:    {From: "example.com", To: "other.example"},
		app.ErrRedirectLoop:  {From: "example.com", To: "old.example"},
	} {
		wantError(t, ledger.CreateRedirect(ctx, redirect), want)
	}
	wantError(t, ledger.CreateRedirect(ctx, traefik.Redirect{From: "a.example", To: "a.example"}), app.ErrRedirectLoop)
	_, err := ledger.CreateApp(ctx, newApp("late", "www.example.com"), newRelease())
	wantError(t, err, app.ErrHostRedirects)

	table, err := ledger.Table(ctx)
	must(t, err)
	if len(table.Redirects) != 2 || table.Redirects[1] != first {
		t.Errorf("the table has %+v", table.Redirects)
	}
	must(t, ledger.DeleteRedirect(ctx, "www.example.com"))
	wantError(t, ledger.DeleteRedirect(ctx, "www.example.com"), problem.ErrNotFound)
	createApp(t, ledger, "late", "www.example.com")
}

func TestRedirects_ConstraintsHoldWhereAParserIsForgotten(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for _, host := range []traefik.Host{"{{env}}.example", "A.example", "", "a`b.example", "a.example/x"} {
		if err := ledger.CreateRedirect(t.Context(), traefik.Redirect{From: host, To: "b.example"}); err == nil {
			t.Errorf("%q redirects", host)
		}
		if err := ledger.CreateRedirect(t.Context(), traefik.Redirect{From: "b.example", To: host}); err == nil {
			t.Errorf("something redirects to %q", host)
		}
	}
}

func TestHome_IsKeptAndForgotten(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	for _, want := range []traefik.Route{{}, routesOf(t, "/shop")[0], routesOf(t, "example.com/a")[0], {}} {
		must(t, ledger.UpdateHome(ctx, want))
		home, err := ledger.FindHome(ctx)
		must(t, err)
		if home != want {
			t.Errorf("home is %v, want %v", home, want)
		}
	}
}

func TestHostChecks_LastOneStays(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	check := app.HostCheck{Host: "example.com", At: noon, Findings: []domaincheck.Finding{{About: domaincheck.AboutDNS, Outcome: domaincheck.Bad, Message: "No.", Hint: "Do."}}}
	must(t, ledger.SaveHostCheck(ctx, app.HostCheck{Host: "example.com", At: noon.Add(-time.Hour)}))
	must(t, ledger.SaveHostCheck(ctx, check))
	checks, err := ledger.ListHostChecks(ctx)
	must(t, err)
	if !reflect.DeepEqual(checks, map[traefik.Host]app.HostCheck{"example.com": check}) {
		t.Errorf("got %+v", checks)
	}
}

func TestCertificateOrders_AreCountedByDomainAndHost(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	for i, host := range []traefik.Host{"a.example.com", "b.example.com", "a.example.com", "a.example.org"} {
		must(t, ledger.NoteCertificateOrder(ctx, host, map[bool]string{true: "example.org", false: "example.com"}[i == 3], noon.Add(time.Duration(i)*time.Hour)))
	}
	ofDomain, ofHost, err := ledger.CountCertificateOrders(ctx, "a.example.com", "example.com", noon.Add(30*time.Minute))
	must(t, err)
	if ofDomain != 2 || ofHost != 1 {
		t.Errorf("%d of the domain, %d of the host", ofDomain, ofHost)
	}
}
