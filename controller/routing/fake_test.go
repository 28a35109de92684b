package routing_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/controller/store"
	"berth/traefik"
	"berth/traefik/traefiktest"
)

// street is the routes over a real ledger, with the proxy in memory.
type street struct {
	*routing.Routes
	t      *testing.T
	ledger *store.Store
	proxy  *proxy

	mu         sync.Mutex
	told       []app.Name // that something of them changed
	reconciles int        // that were asked for
}

func newStreet(t *testing.T) *street {
	t.Helper()
	return newStreetWith(t)
}

// newStreetWith allows these public ports.
func newStreetWith(t *testing.T, ports ...traefik.Port) *street {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	s := &street{t: t, ledger: ledger, proxy: &proxy{}}
	pages := ""
	if len(ports) > 0 {
		pages = "pages:8002"
	}
	s.Routes = routing.New(routing.Options{
		Ledger: ledger, Proxy: s.proxy, Publisher: s.proxy, Logger: slog.New(slog.DiscardHandler),
		PortLedger: ledger, Ports: ports, Pages: pages,
		Locks: app.NewLocks(), Notify: s.note, Reconcile: func() { s.note("") },
		Check: domaincheck.Options{Resolver: "127.0.0.1:1"},
	})
	return s
}

// note counts what the routes tell: of an app, or that they want a reconciliation.
func (s *street) note(name app.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		s.reconciles++
		return
	}
	s.told = append(s.told, name)
}

func (s *street) route(text string) traefik.Route {
	s.t.Helper()
	route, err := s.ParseRoute(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return route
}

// queue makes an app whose first release has an address and is not live yet.
func (s *street) queue(name app.Name) app.ReleaseID {
	s.t.Helper()
	settings := app.SettingsOf(plan.DefaultLimits())
	made := app.App{
		Name: name, Routes: []traefik.Route{s.route("/" + string(name))}, Settings: settings, Wanted: app.WantedRunning, CreatedAt: time.Now(),
	}
	wish := app.Release{
		ReleaseID: app.ReleaseID{App: name}, State: app.ReleaseQueued, Steps: []app.Step{{State: app.ReleaseQueued, At: time.Now()}},
		Archive: "a.zip", ArchiveName: "a.zip", CreatedBy: "test", CreatedAt: time.Now(),
	}
	release, err := s.ledger.CreateApp(s.t.Context(), made, wish)
	if err != nil {
		s.t.Fatal(err)
	}
	release.Instances, release.Address = []string{"i"}, "i:8000"
	if err := s.ledger.UpdateServices(s.t.Context(), release); err != nil {
		s.t.Fatal(err)
	}
	return release.ReleaseID
}

// live makes an app that runs.
func (s *street) live(name app.Name) {
	s.t.Helper()
	if _, err := s.ledger.Promote(s.t.Context(), s.queue(name), time.Now()); err != nil {
		s.t.Fatal(err)
	}
}

// stopped is what the story does with the ledger when an app is stopped.
func (s *street) stopped(name app.Name) {
	s.t.Helper()
	if err := s.ledger.UpdateWanted(s.t.Context(), name, app.WantedStopped); err != nil {
		s.t.Fatal(err)
	}
}

// proxy is publisher and proxy in one: it serves at once what was published.
type proxy struct {
	mu        sync.Mutex
	published *traefik.Configuration
	count     int   // of publications
	broken    error // of Publish
	silent    error // of each confirmation
}

func (p *proxy) change(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *proxy) Publish(configuration *traefik.Configuration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return false, p.broken
	}
	p.published = configuration
	p.count++
	return true, nil
}

func (p *proxy) confirm() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

func (p *proxy) Confirm(context.Context, traefik.Table) error       { return p.confirm() }
func (p *proxy) ConfirmRoutes(context.Context, traefik.Table) error { return p.confirm() }
func (p *proxy) ConfirmAll(context.Context, traefik.Table) error    { return p.confirm() }

// rules are the rules that the proxy was told for an entry point, with the service
// of each.
func (p *proxy) rules() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return traefiktest.Rules(p.published)
}

func wantProblem(t *testing.T, err error, kind problem.Kind, field string) *problem.Problem {
	t.Helper()
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != kind || fault.Field != field || fault.Hint == "" {
		t.Fatalf("want a problem of kind %v at %q, got %v", kind, field, err)
	}
	return fault
}

// notes are what was told of so far.
func (s *street) notes() (told []app.Name, reconciles int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told), s.reconciles
}

func (p *proxy) publications() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}
