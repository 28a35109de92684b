package store_test

import (
	"fmt"
	"testing"

	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/store"
)

// releasesEach is the history that each app of the benchmarks has.
const releasesEach = 5

func BenchmarkListApps(b *testing.B) {
	benchmark(b, func(ledger *store.Store) (int, error) {
		apps, err := ledger.ListApps(b.Context())
		return len(apps), err
	})
}

func BenchmarkListLatest(b *testing.B) {
	benchmark(b, func(ledger *store.Store) (int, error) {
		latest, err := ledger.ListLatest(b.Context())
		return len(latest), err
	})
}

func BenchmarkListOverview(b *testing.B) {
	benchmark(b, func(ledger *store.Store) (int, error) {
		apps, _, err := ledger.ListOverview(b.Context())
		return len(apps), err
	})
}

func BenchmarkTable(b *testing.B) {
	benchmark(b, func(ledger *store.Store) (int, error) {
		table, err := ledger.Table(b.Context())
		return len(table.Routings), err
	})
}

func BenchmarkUpdateSession(b *testing.B) {
	ledger := fresh(b)
	session := account.Session{Hash: "a", Data: make([]byte, 256), CreatedAt: noon, SeenAt: noon}
	must(b, ledger.CreateSession(b.Context(), session))
	for b.Loop() {
		must(b, ledger.UpdateSession(b.Context(), session))
	}
}

func benchmark(b *testing.B, read func(*store.Store) (int, error)) {
	for _, apps := range []int{100, 1000} {
		b.Run(fmt.Sprintf("apps=%d", apps), func(b *testing.B) {
			ledger := populated(b, apps)
			for b.Loop() {
				if count, err := read(ledger); err != nil || count != apps {
					b.Fatalf("want %d, got %d, %v", apps, count, err)
				}
			}
		})
	}
}

// populated has so many apps, each with a live release and some that failed before it.
func populated(b *testing.B, apps int) *store.Store {
	b.Helper()
	ledger := fresh(b)
	for i := range apps {
		name := app.Name(fmt.Sprintf("app-%04d", i))
		release := createApp(b, ledger, name, "/"+string(name))
		for range releasesEach - 1 {
			must(b, ledger.Finish(b.Context(), release.ReleaseID, app.ReleaseFailed, "It failed.", "", noon))
			release = nextRelease(b, ledger, name)
		}
		promoted(b, ledger, release.ReleaseID)
	}
	return ledger
}
