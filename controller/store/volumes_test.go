package store_test

import (
	"reflect"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/volume"
	"berth/controller/volumes"
)

func TestVolumeRecords_AreReadBackByPartAndForgotten(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	none, err := ledger.FindVolumeRecord(ctx, "data")
	must(t, err)
	if none != (volumes.Record{}) {
		t.Errorf("of a volume that nothing is kept of: %+v", none)
	}
	must(t, ledger.NoteVolumeWarned(ctx, "data", noon))
	must(t, ledger.UpdateVolumeQuota(ctx, "data", 20<<30))
	want := volumes.Record{Quota: 20 << 30, WarnedAt: noon}
	found, err := ledger.FindVolumeRecord(ctx, "data")
	must(t, err)
	if found != want {
		t.Errorf("want %+v, got %+v", want, found)
	}
	must(t, ledger.NoteVolumeFits(ctx, "data", 20<<30))
	must(t, ledger.NoteVolumeFits(ctx, "logs", 10<<30))
	all, err := ledger.ListVolumeRecords(ctx)
	must(t, err)
	if want := (map[volume.Name]volumes.Record{"data": {Quota: 20 << 30, Fitted: 20 << 30}, "logs": {Fitted: 10 << 30}}); !reflect.DeepEqual(all, want) {
		t.Errorf("want %+v, got %+v", want, all)
	}
	must(t, ledger.DeleteVolumeRecord(ctx, "data"))
	if found, err = ledger.FindVolumeRecord(ctx, "data"); err != nil || found != (volumes.Record{}) {
		t.Errorf("of a deleted volume: %+v, %v", found, err)
	}
}

func TestVolumeQuotasSince_IsWhenTheLedgerBeganToKnowOfThem(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Second)
	since, err := fresh(t).VolumeQuotasSince(t.Context())
	must(t, err)
	if since.Before(before) || since.After(time.Now()) {
		t.Errorf("since %s, and it is %s", since, time.Now())
	}
}

func TestUpdateHalted_TakesTheMainServiceOffTheTableUntilTheAppIsWantedAgain(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "a", "/a").ReleaseID)
	halted := []app.HaltedService{{Service: "db", Volume: "a_data", Reason: "The volume is full."}}
	want := func(line string, halted []app.HaltedService) {
		t.Helper()
		table, err := ledger.Table(ctx)
		must(t, err)
		wantTable(t, table, line)
		app, err := ledger.FindApp(ctx, "a")
		must(t, err)
		if !reflect.DeepEqual(app.Halted, halted) {
			t.Errorf("halted are %+v", app.Halted)
		}
	}
	must(t, ledger.UpdateHalted(ctx, "a", halted))
	want("a r1 at a-r1:8000 for [/a]", halted)
	halted = append(halted, app.HaltedService{Service: "web", Main: true, Reason: "The disk is full."})
	must(t, ledger.UpdateHalted(ctx, "a", halted))
	want("a r1 at a-r1:8000 for [/a], unavailable", halted)
	must(t, ledger.UpdateWanted(ctx, "a", app.WantedRunning))
	want("a r1 at a-r1:8000 for [/a]", nil)
	must(t, ledger.UpdateHalted(ctx, "a", halted))
	promoted(t, ledger, nextRelease(t, ledger, "a").ReleaseID)
	want("a r2 at a-r2:8000 for [/a]", nil)
	wantError(t, ledger.UpdateHalted(ctx, "other", halted), problem.ErrNotFound)
}
