package store_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/store"
)

func TestTable_HoldsLiveReleasesAndThenProvingOnes(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "b", "/b", "b.example.com").ReleaseID)
	promoted(t, ledger, createApp(t, ledger, "a", "/a").ReleaseID)
	for _, state := range underWay[1:] {
		name := app.Name(state)
		id := createApp(t, ledger, name, "/"+string(name)).ReleaseID
		must(t, updateInstances(ctx, ledger, id, nil, string(name)+":1"))
		must(t, ledger.Advance(ctx, id, state))
	}
	next := nextRelease(t, ledger, "a")
	must(t, updateInstances(ctx, ledger, next.ReleaseID, nil, "a-r2:8000"))
	must(t, ledger.Advance(ctx, next.ReleaseID, app.ReleaseVerifying))

	table, err := ledger.Table(ctx)
	must(t, err)
	wantTable(
		t, table,
		"a r1 at a-r1:8000 for [/a]",
		"b r1 at b-r1:8000 for [/b b.example.com]",
		"a r2 at a-r2:8000 for [/a], proving",
		"building r1 at building:1 for [/building], proving",
		"starting r1 at starting:1 for [/starting], proving",
		"verifying r1 at verifying:1 for [/verifying], proving",
	)
}

func TestTable_SaysWhichLiveReleaseIsAStaticSite(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for _, name := range []app.Name{"site", "hello"} {
		release := createApp(t, ledger, name, "/"+string(name))
		release.Address = string(name) + ":8000"
		release.Services = []app.ServiceRun{{Spec: plan.Service{Name: "web", Site: name == "site"}, Main: true}, {Spec: plan.Service{Name: "other", Site: true}}}
		must(t, ledger.UpdateServices(t.Context(), release))
		promoted(t, ledger, release.ReleaseID)
	}
	table, err := ledger.Table(t.Context())
	must(t, err)
	if len(table.Routings) != 2 || table.Routings[0].Site || !table.Routings[1].Site {
		t.Errorf("%+v", table.Routings)
	}
}

func TestTable_HoldsNoAddressThatMustNotBeReached(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	for _, wanted := range []app.Wanted{app.WantedStopped, app.WantedDeleted} {
		name := app.Name(wanted)
		promoted(t, ledger, createApp(t, ledger, name, "/"+string(name)).ReleaseID)
		next := nextRelease(t, ledger, name)
		must(t, updateInstances(ctx, ledger, next.ReleaseID, nil, string(name)+"-r2:8000"))
		must(t, ledger.Advance(ctx, next.ReleaseID, app.ReleaseVerifying))
		must(t, ledger.UpdateWanted(ctx, name, wanted))
	}
	queued := createApp(t, ledger, "queued", "/queued").ReleaseID
	must(t, updateInstances(ctx, ledger, queued, nil, "queued:1"))
	failed := createApp(t, ledger, "failed", "/failed").ReleaseID
	must(t, updateInstances(ctx, ledger, failed, nil, "failed:1"))
	must(t, ledger.Finish(ctx, failed, app.ReleaseFailed, "", "", noon))
	unknown := createApp(t, ledger, "unknown", "/unknown").ReleaseID // its address, that is
	must(t, ledger.Advance(ctx, unknown, app.ReleaseStarting))

	table, err := ledger.Table(ctx)
	must(t, err)
	// An update of a stopped app is proven before it takes the place of the old one.
	wantTable(t, table,
		"failed r0 at  for [/failed], unavailable",
		"stopped r1 at stopped-r1:8000 for [/stopped], unavailable",
		"stopped r2 at stopped-r2:8000 for [/stopped], proving",
	)
}

func TestTable_FirstReleaseThatFailedIsUnavailableUntilOneIsLive(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	first := createApp(t, ledger, "a", "/a", "a.example.com").ReleaseID
	table, err := ledger.Table(ctx)
	must(t, err)
	wantTable(t, table)
	must(t, ledger.Finish(ctx, first, app.ReleaseCancelled, "", "", noon))
	table, err = ledger.Table(ctx)
	must(t, err)
	wantTable(t, table, "a r0 at  for [/a a.example.com], unavailable")
	promoted(t, ledger, nextRelease(t, ledger, "a").ReleaseID)
	table, err = ledger.Table(ctx)
	must(t, err)
	wantTable(t, table, "a r2 at a-r2:8000 for [/a a.example.com]")
	must(t, ledger.UpdateWanted(ctx, "a", app.WantedDeleted))
	table, err = ledger.Table(ctx)
	must(t, err)
	wantTable(t, table)
}

// What the dashboard and the reconciler ask must not cost more as the history grows.
func TestStore_ReadsNoHistoryForThePresent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	open(t, path)
	for name, query := range map[string]string{
		"table": store.SelectTable, "under way": store.SelectUnderWay, "latest": store.SelectLatest,
	} {
		if plan := explain(t, path, query); strings.Contains(plan, "SCAN r\n") {
			t.Errorf("%s is read by\n%s", name, plan)
		}
	}
}

func explain(t *testing.T, path, query string) string {
	t.Helper()
	rows, err := raw(t, path).Query(`EXPLAIN QUERY PLAN ` + query)
	must(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		fmt.Fprintln(&plan, detail)
	}
	must(t, rows.Err())
	return plan.String()
}

func wantTable(t *testing.T, table app.Table, want ...string) {
	t.Helper()
	var got []string
	for _, routing := range table.Routings {
		line := fmt.Sprintf("%s r%d at %s for %v", routing.App, routing.Release, routing.Address, routing.Routes)
		if routing.Proving {
			line += ", proving"
		}
		if routing.Unavailable {
			line += ", unavailable"
		}
		got = append(got, line)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("want\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
