package store_test

import (
	"maps"
	"testing"

	"berth/controller/app"
	"berth/controller/store"
	"berth/traefik"
)

func wantDestinations(t *testing.T, ledger *store.Store, name app.Name, want map[traefik.Route]app.Destination) {
	t.Helper()
	found, err := ledger.FindApp(t.Context(), name)
	must(t, err)
	if !maps.Equal(found.Destinations, want) {
		t.Errorf("%s leads to %v, want %v", name, found.Destinations, want)
	}
}

func TestUpdateRoutes_KeepsAndChangesWhereRoutesLead(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "shop", "/shop", "/other")
	routes := routesOf(t, "/api", "/shop", "/v2")
	api, shop, v2 := routes[0], routes[1], routes[2]
	change := func(change app.RouteChange) {
		t.Helper()
		_, err := ledger.UpdateRoutes(t.Context(), "shop", change)
		must(t, err)
	}
	to := app.Destination{Service: "api", Port: 9000}
	change(app.RouteChange{Add: []traefik.Route{api}, To: &to})
	wantDestinations(t, ledger, "shop", map[traefik.Route]app.Destination{api: to})
	change(app.RouteChange{Add: []traefik.Route{api}}) // it is there already
	wantDestinations(t, ledger, "shop", map[traefik.Route]app.Destination{api: to})
	change(app.RouteChange{Remove: []traefik.Route{shop}, Add: []traefik.Route{shop}, To: &app.Destination{Port: 81}})
	wantRoutes(t, ledger, "shop", "/shop", "/other", "/api")
	wantDestinations(t, ledger, "shop", map[traefik.Route]app.Destination{api: to, shop: {Port: 81}})
	change(app.RouteChange{Remove: []traefik.Route{api}, Add: []traefik.Route{v2}}) // it keeps leading there
	wantDestinations(t, ledger, "shop", map[traefik.Route]app.Destination{v2: to, shop: {Port: 81}})
	for _, route := range []traefik.Route{v2, shop} {
		change(app.RouteChange{Add: []traefik.Route{route}, To: &app.Destination{}})
	}
	wantRoutes(t, ledger, "shop", "/shop", "/other", "/v2")
	wantDestinations(t, ledger, "shop", nil)
}

// A route that another app takes over leads where that app wants it, and not into a
// service that happens to have the same name.
func TestUpdateRoutes_TakenOverRouteLosesItsDestination(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "shop", "/shop")
	createApp(t, ledger, "next", "/next")
	api := routesOf(t, "/api")
	_, err := ledger.UpdateRoutes(t.Context(), "shop", app.RouteChange{Add: api, To: &app.Destination{Service: "api"}})
	must(t, err)
	_, err = ledger.UpdateRoutes(t.Context(), "next", app.RouteChange{Add: api, TakeOver: true})
	must(t, err)
	wantDestinations(t, ledger, "shop", nil)
	wantDestinations(t, ledger, "next", nil)
}

func TestTable_LeadsRoutesToTheServicesOfTheRelease(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	id := createApp(t, ledger, "shop", "/shop").ReleaseID
	routes := routesOf(t, "/api", "/metrics", "/lost", "/shop/x")
	for i, to := range []app.Destination{{Service: "api"}, {Service: "api", Port: 9100}, {Service: "worker"}, {Port: 81}} {
		_, err := ledger.UpdateRoutes(ctx, "shop", app.RouteChange{Add: routes[i : i+1], To: &to})
		must(t, err)
	}
	must(t, ledger.Advance(ctx, id, app.ReleaseVerifying))
	must(t, ledger.UpdateServices(ctx, app.Release{
		ReleaseID: id, Address: "shop-r1:8000", Addresses: map[string]string{"web": "shop-r1:8000", "api": "r1-x01:9000"},
	}))
	want := map[traefik.Route]string{
		routes[0]: "r1-x01:9000", routes[1]: "r1-x01:9100", routes[2]: "", routes[3]: "shop-r1:81",
	}
	table, err := ledger.Table(ctx)
	must(t, err)
	if !maps.Equal(table.Routings[0].Leads, want) || !table.Routings[0].Proving {
		t.Fatalf("proving: %v", table.Routings)
	}
	_, err = ledger.Promote(ctx, id, noon)
	must(t, err)
	must(t, ledger.UpdateHalted(ctx, "shop", []app.HaltedService{{Service: "api", Reason: "full"}}))
	want[routes[0]], want[routes[1]] = "", ""
	table, err = ledger.Table(ctx)
	must(t, err)
	if !maps.Equal(table.Routings[0].Leads, want) || table.Routings[0].Unavailable {
		t.Errorf("with api stopped by Berth: %v", table.Routings)
	}
	found, err := ledger.FindRelease(ctx, id)
	must(t, err)
	if found.Addresses["api"] != "r1-x01:9000" {
		t.Errorf("the release has %v", found.Addresses)
	}
}
