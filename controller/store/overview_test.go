package store_test

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"berth/controller/app"
	"berth/controller/store"
)

func TestOverview_FollowsEveryCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	other := open(t, path) // as a command beside the server has it
	release := createApp(t, ledger, "hello", "/hello")
	next := newRelease()
	next.App = "hello"
	same(t, ledger)
	for _, change := range []func() error{
		func() error { return ledger.Advance(t.Context(), release.ReleaseID, app.ReleaseBuilding) },
		func() error { return other.Advance(t.Context(), release.ReleaseID, app.ReleaseStarting) },
		func() error { return updateInstances(t.Context(), ledger, release.ReleaseID, []string{"a"}, "a:8000") },
		func() error { _, err := other.Promote(t.Context(), release.ReleaseID, noon); return err },
		func() error { _, err := ledger.CreateRelease(t.Context(), next); return err }, // the newest is not the live one
		func() error { return ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped) },
		func() error { return ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted) },
		func() error { return other.DeleteApp(t.Context(), "hello") },
	} {
		must(t, change())
		same(t, ledger)
		same(t, other)
	}
}

func TestOverview_OutlivesAReaderThatWentAway(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	same(t, ledger)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := ledger.ListOverview(gone); err == nil {
		t.Fatal("a cancelled read answers")
	}
	createApp(t, ledger, "again", "/again")
	same(t, ledger)
}

// same compares the overview with what is read anew.
func same(t *testing.T, ledger *store.Store) {
	t.Helper()
	for range 2 { // the second from memory
		apps, latest, err := ledger.ListOverview(t.Context())
		must(t, err)
		wantApps, err := ledger.ListApps(t.Context())
		must(t, err)
		wantLatest, err := ledger.ListLatest(t.Context())
		must(t, err)
		if !reflect.DeepEqual(apps, wantApps) || !reflect.DeepEqual(latest, wantLatest) {
			t.Fatalf("overview %+v %+v\nledger   %+v %+v", apps, latest, wantApps, wantLatest)
		}
		for _, want := range wantApps {
			found, live, err := ledger.FindLive(t.Context(), want.Name)
			must(t, err)
			wantLive := app.Release{}
			if want.Live != 0 {
				wantLive, err = ledger.FindRelease(t.Context(), app.ReleaseID{App: want.Name, Number: want.Live})
				must(t, err)
			}
			if !reflect.DeepEqual(found, want) || !reflect.DeepEqual(live, wantLive) {
				t.Fatalf("live %+v %+v\nledger %+v %+v", found, live, want, wantLive)
			}
		}
	}
}
