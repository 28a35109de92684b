package router

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/routing"
	"berth/controller/store"
	"berth/traefik"
)

// fakeRouting is the real routes on a ledger of its own, which gets the apps of
// the fake when it is asked. Only the proxy and the checks of hosts are fakes.
type fakeRouting struct {
	*routing.Routes
	ledger *store.Store
	apps   *fakeApps

	mu       sync.Mutex
	findings []domaincheck.Finding // of every host that is checked
	checked  []traefik.Host
}

func newFakeRouting(t testing.TB, apps *fakeApps) *fakeRouting {
	t.Helper()
	f := &fakeRouting{ledger: freshLedger(t), apps: apps}
	f.Routes = routing.New(routing.Options{
		Ledger: f.ledger, Proxy: quietProxy{}, Publisher: quietProxy{}, Logger: slog.New(slog.DiscardHandler),
		PortLedger: f.ledger, Ports: []traefik.Port{{Number: 2222, Protocol: traefik.TCP}, {Number: 25565, Protocol: traefik.UDP}},
		Locks: app.NewLocks(), Notify: func(app.Name) {}, Reconcile: func() {},
		Reserved: []traefik.Host{"berth.example.com"}, Base: "apps.example.com",
	})
	return f
}

// quietProxy has taken whatever it is asked about.
type quietProxy struct{}

func (quietProxy) Publish(*traefik.Configuration) (bool, error)       { return true, nil }
func (quietProxy) Confirm(context.Context, traefik.Table) error       { return nil }
func (quietProxy) ConfirmRoutes(context.Context, traefik.Table) error { return nil }
func (quietProxy) ConfirmAll(context.Context, traefik.Table) error    { return nil }

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
		release.Instances, release.Address = []string{"i"}, "i:8000"
		release.Addresses = map[string]string{"web": "i:8000", "api": "j:9000"}
		if err := f.ledger.UpdateServices(ctx, release); err != nil {
			return err
		}
		if _, err := f.ledger.Promote(ctx, release.ReleaseID, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeRouting) List(ctx context.Context, app app.Name) ([]routing.RouteView, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Routes.List(ctx, app)
}

func (f *fakeRouting) Services(ctx context.Context, app app.Name) ([]string, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Routes.Services(ctx, app)
}

func (f *fakeRouting) Update(ctx context.Context, app app.Name, change app.RouteChange) (bool, error) {
	if err := f.take(ctx); err != nil {
		return false, err
	}
	return f.Routes.Update(ctx, app, change)
}

func (f *fakeRouting) HostViews(ctx context.Context) ([]routing.HostView, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Routes.HostViews(ctx)
}

func (f *fakeRouting) CheckHost(ctx context.Context, host traefik.Host) (app.HostCheck, error) {
	f.mu.Lock()
	f.checked = append(f.checked, host)
	check := app.HostCheck{Host: host, At: time.Now(), Findings: f.findings}
	f.mu.Unlock()
	return check, f.ledger.SaveHostCheck(ctx, check)
}

func (f *fakeRouting) PublicPorts(ctx context.Context, app app.Name) ([]routing.PortView, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Routes.PublicPorts(ctx, app)
}

func (f *fakeRouting) PortServices(ctx context.Context, app app.Name) ([]string, error) {
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	return f.Routes.PortServices(ctx, app)
}

func (f *fakeRouting) AddPublicPort(ctx context.Context, port app.PublicPort) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	return f.Routes.AddPublicPort(ctx, port)
}

func (f *fakeRouting) RemovePublicPort(ctx context.Context, app app.Name, port traefik.Port) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	return f.Routes.RemovePublicPort(ctx, app, port)
}
