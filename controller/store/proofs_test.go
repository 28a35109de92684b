package store_test

import (
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/controller/reach"
)

func TestProofs_AreOfLiveReleasesOfRunningAppsAndGoWithThem(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	id := app.ReleaseID{App: "shop", Number: 1}
	promoted(t, ledger, id)
	unproven := func(badBefore time.Time) int {
		ids, err := ledger.ListUnproven(ctx, badBefore)
		must(t, err)
		return len(ids)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	if unproven(at) != 1 {
		t.Fatal("a live release without a proof is not listed")
	}
	_, err := ledger.FindProof(ctx, id)
	wantError(t, err, problem.ErrNotFound)
	bad := reach.Proof{Release: id, At: at, Answered: true, Leaks: []probe.Try{{Kind: probe.App, Target: "shop", Address: "10.0.0.2:80"}}}
	must(t, ledger.SaveProof(ctx, bad))
	if unproven(at) != 0 || unproven(at.Add(time.Second)) != 1 {
		t.Error("a bad proof is not made anew after its time")
	}
	found, err := ledger.FindProof(ctx, id)
	must(t, err)
	if found.Good() || found.Leaks[0] != bad.Leaks[0] || !found.At.Equal(at) {
		t.Errorf("found %+v", found)
	}
	must(t, ledger.SaveProof(ctx, reach.Proof{Release: id, At: at, Answered: true}))
	if unproven(at.Add(time.Hour)) != 0 {
		t.Error("a good proof is made anew")
	}
	if all, err := ledger.ListProofs(ctx); err != nil || len(all) != 1 || !all[0].Good() {
		t.Errorf("%+v, %v", all, err)
	}
	must(t, ledger.UpdateWanted(ctx, "shop", app.WantedStopped))
	if live, err := ledger.ListLive(ctx); err != nil || len(live) != 0 {
		t.Errorf("a stopped app is probed: %v, %v", live, err)
	}
	must(t, ledger.UpdateWanted(ctx, "shop", app.WantedDeleted))
	must(t, ledger.DeleteApp(ctx, "shop"))
	_, err = ledger.FindProof(ctx, id)
	wantError(t, err, problem.ErrNotFound)
	must(t, ledger.SaveProof(ctx, bad)) // it is gone
}

func TestReport_IsTheLastOne(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	_, err := ledger.FindReport(ctx)
	wantError(t, err, problem.ErrNotFound)
	for _, reached := range []bool{true, false} {
		report := reach.Report{At: time.Now(), Results: []probe.Result{{Try: probe.Try{Kind: probe.Host, Target: "x", Address: "10.0.0.1:22"}, Reached: reached}}}
		must(t, ledger.SaveReport(ctx, report))
		found, err := ledger.FindReport(ctx)
		must(t, err)
		if len(found.Results) != 1 || found.Results[0] != report.Results[0] {
			t.Errorf("found %+v", found)
		}
	}
}
