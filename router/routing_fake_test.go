package router

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
	"berth/traefik"
)

// fakeRouting is the real controller on a ledger of its own, which gets the apps of
// the fake when it is asked. Only the proxy and the checks of hosts are fakes.
type fakeRouting struct {
	*controller.Controller
	ledger *store.Store
	apps   *fakeApps

	mu       sync.Mutex
	findings []domaincheck.Finding // of every host that is checked
	checked  []traefik.Host
}

func newFakeRouting(t testing.TB, apps *fakeApps) *fakeRouting {
	t.Helper()
	f := &fakeRouting{ledger: freshLedger(t), apps: apps}
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	f.Controller, err = controller.New(controller.Options{
		Ledger: f.ledger, Key: key, Volumes: volumes.Options{Ledger: f.ledger, Keeper: volumetest.New(t)}, DataFolder: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Audit: &fakeAudit{},
		BuildConcurrency: 1, BuildTimeout: time.Minute, MaximumLimits: plan.DefaultLimits(),
		Publisher: quietProxy{}, Proxy: quietProxy{}, ReservedHosts: []traefik.Host{"berth.example.com"}, BaseDomain: "apps.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// quietProxy has taken whatever it is asked about.
type quietProxy struct{}

func (quietProxy) Publish(*traefik.Configuration) (bool, error)       { return true, nil }
func (quietProxy) Confirm(context.Context, traefik.Table) error       { return nil }
func (quietProxy) ConfirmRoutes(context.Context, traefik.Table) error { return nil }
func (quietProxy) ConfirmAll(context.Context, traefik.Table) error    { return nil }
func (quietProxy) Visit(context.Context, traefik.Host, *url.URL) (traefik.Page, error) {
	return traefik.Page{Status: 404}, nil
}
func (quietProxy) Probe(context.Context, traefik.Target, string) (int, error) { return 200, nil }

// take brings the apps of the fake into the ledger, live ones with a release.
func (f *fakeRouting) take(ctx context.Context) error {
	views, err := f.apps.Apps(ctx)
	if err != nil {
		return err
	}
	for _, view := range views {
		if _, err := f.ledger.FindApp(ctx, view.Name); err == nil {
			continue
		}
		found := view.App
		found.Wanted = app.WantedRunning
		if found.Settings.MemoryBytes == 0 {
			found.Settings = app.DefaultSettings()
		}
		release, err := f.ledger.CreateApp(ctx, found, aRelease(view.Name, 1, app.ReleaseQueued))
		if err != nil {
			return err
		}
		if err := f.ledger.UpdateInstances(ctx, release.ReleaseID, []string{"i"}, "i:8000"); err != nil {
			return err
		}
		if _, err := f.ledger.Promote(ctx, release.ReleaseID, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeRouting) Routes(ctx context.Context, app app.Name) ([]controller.RouteView, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Controller.Routes(ctx, app)
}

func (f *fakeRouting) UpdateRoutes(ctx context.Context, app app.Name, change app.RouteChange) (bool, error) {
	if err := f.take(ctx); err != nil {
		return false, err
	}
	return f.Controller.UpdateRoutes(ctx, app, change)
}

func (f *fakeRouting) HostViews(ctx context.Context) ([]controller.HostView, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Controller.HostViews(ctx)
}

func (f *fakeRouting) CheckHost(ctx context.Context, host traefik.Host) (app.HostCheck, error) {
	f.mu.Lock()
	f.checked = append(f.checked, host)
	check := app.HostCheck{Host: host, At: time.Now(), Findings: f.findings}
	f.mu.Unlock()
	return check, f.ledger.SaveHostCheck(ctx, check)
}
