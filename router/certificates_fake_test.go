package router

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/certificates"
	"berth/controller/docker"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/traefik"
)

// fakeDomains is the real thing over a ledger with one app on a host. Only the
// engine is a fake.
type fakeDomains struct {
	*certificates.Certificates
	ledger *store.Store
	folder string

	mu       sync.Mutex
	restarts int
	refuse   error // of the next time that the proxy should be ready
}

func newFakeDomains(t testing.TB, ledger *store.Store) *fakeDomains {
	t.Helper()
	f := &fakeDomains{ledger: ledger, folder: t.TempDir()}
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	route, err := traefik.ParseRoute("hello.example.com")
	if err != nil {
		t.Fatal(err)
	}
	found := app.App{
		Name: "hello", Routes: []traefik.Route{route}, Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now(),
	}
	if _, err := ledger.CreateApp(t.Context(), found, aRelease("hello", 1, app.ReleaseQueued)); err != nil {
		t.Fatal(err)
	}
	book, _, err := certificates.Open(t.Context(), certificates.Options{
		Ledger: ledger, Engine: f, Folder: f.folder, Key: key, Logger: slog.New(slog.DiscardHandler),
		Ready:    func(context.Context) error { return f.ready() },
		Static:   traefik.StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2")},
		Self:     netip.MustParseAddr("192.0.2.3"),
		Defaults: certificates.DefaultProxySettings("", "", false),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Certificates = certificates.New(book, f)
	return f
}

func (f *fakeDomains) Publish(context.Context) error { return nil }

func (f *fakeDomains) NoteCertificateOrder(context.Context, traefik.Host) error { return nil }

func (f *fakeDomains) ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := f.refuse
	f.refuse = nil
	return refuse
}

func (f *fakeDomains) RestartProxy(context.Context) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restarts++
	return true, nil
}

func (f *fakeDomains) ReadProxyLog(context.Context, time.Time, func(docker.Line) error) error {
	return nil
}
