package store_test

import (
	"errors"
	"testing"

	"berth/controller/app"
	"berth/controller/store"
)

func wantTaken(t *testing.T, ledger *store.Store, name app.Name, route string, by app.Name) {
	t.Helper()
	_, err := ledger.UpdateRoutes(t.Context(), name, app.RouteChange{Add: routesOf(t, route)})
	var taken *app.RouteTakenError
	if !errors.As(err, &taken) || taken.App != by {
		t.Errorf("%s for %s: got %v, want that %s has it", route, name, err, by)
	}
}

func TestUpdateRoutes_AWildcardIsNotDividedBetweenAppsUnasked(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "tenants", "*.example.com")
	createApp(t, ledger, "site", "/site", "www.example.org")
	wantTaken(t, ledger, "site", "a.example.com", "tenants")
	wantTaken(t, ledger, "site", "a.example.com/deep", "tenants")
	wantTaken(t, ledger, "tenants", "*.example.org", "site")
	wantTaken(t, ledger, "site", "*.example.com", "tenants")

	// What the wildcard does not cover is free, and so is all below it for its own app.
	for name, route := range map[app.Name]string{"site": "a.b.example.com", "tenants": "own.example.com"} {
		_, err := ledger.UpdateRoutes(ctx, name, app.RouteChange{Add: routesOf(t, route, "example.com")[:1]})
		must(t, err)
	}
	_, err := ledger.UpdateRoutes(ctx, "site", app.RouteChange{Add: routesOf(t, "example.com")})
	must(t, err)

	// A person who says so divides it: nobody loses a route, and later changes go on.
	_, err = ledger.UpdateRoutes(ctx, "site", app.RouteChange{Add: routesOf(t, "a.example.com"), TakeOver: true})
	must(t, err)
	wantRoutes(t, ledger, "tenants", "*.example.com", "own.example.com")
	_, err = ledger.UpdateRoutes(ctx, "site", app.RouteChange{Add: routesOf(t, "/more")})
	must(t, err)
	wantTaken(t, ledger, "site", "c.example.com", "tenants")
}

func TestCreateApp_GetsNoHostBelowAnothersWildcard(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "tenants", "*.example.com")
	for _, route := range []string{"a.example.com", "*.example.com"} {
		_, err := ledger.CreateApp(t.Context(), app.App{Name: "other", Routes: routesOf(t, route), Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: noon}, app.Release{})
		wantError(t, err, app.ErrRouteTaken)
	}
}
