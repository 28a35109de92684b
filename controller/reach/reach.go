// Package reach proves that apps are reachable only through the proxy, and that an app reaches nothing of this machine.
package reach

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/probe"
	"berth/traefik"
)

// Proof is what was found out about one live release.
type Proof struct {
	Release  app.ReleaseID
	At       time.Time
	Answered bool        // through the proxy
	Leaks    []probe.Try // direct ways from another network that were open
}

// Good reports whether the proxy is the only way to the release.
func (p Proof) Good() bool { return p.Answered && len(p.Leaks) == 0 }

// Report is what a whole probe tried, and what became of it.
type Report struct {
	At      time.Time // zero: there was none
	Results []probe.Result
}

// Leaks are the tries that came through.
func (r Report) Leaks() []probe.Try { return leaks(r.Results) }

func leaks(results []probe.Result) (open []probe.Try) {
	for _, result := range results {
		if result.Reached {
			open = append(open, result.Try)
		}
	}
	return open
}

// Ledger keeps the results. A missing row is problem.ErrNotFound.
type Ledger interface {
	FindApp(context.Context, app.Name) (app.App, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
	// ListUnproven returns the live releases of running apps that have no proof, or a bad
	// one of before the time.
	ListUnproven(ctx context.Context, badBefore time.Time) ([]app.ReleaseID, error)
	ListLive(context.Context) ([]app.ReleaseID, error) // of running apps, by name
	// SaveProof does nothing for a release that is not live any more.
	SaveProof(context.Context, Proof) error
	FindProof(context.Context, app.ReleaseID) (Proof, error)
	ListProofs(context.Context) ([]Proof, error) // of live releases, by app
	SaveReport(context.Context, Report) error
	FindReport(context.Context) (Report, error)
}

// Engine runs probes, and knows where containers can be reached.
type Engine interface {
	Probe(context.Context, docker.ProbeOptions) ([]probe.Result, error)
	RemoveProbeNetworks(context.Context) error
	Places(context.Context) ([]docker.Place, error)
}

// Proxy is asked as visitors ask it.
type Proxy interface {
	Visit(ctx context.Context, host traefik.Host, address *url.URL) (traefik.Page, error)
}

// Machine is what a probe tries beside the apps.
type Machine struct {
	Addresses  []netip.Addr   // of this machine, besides the gateway of the probe's network
	Proxy      []uint16       // ports of the proxy that are for Berth alone
	Admin      uint16         // where the admin app listens in its container
	Published  []uint16       // ports of this machine that are for itself: admin app and dashboard
	Open       []uint16       // ports of this machine that are for everybody
	Metadata   netip.AddrPort // link-local, where clouds keep credentials; invalid: it is not tried
	EngineHost string         // path of the engine's or the broker's socket; empty: it is none
}

// Options are what a Prober needs; all are required.
type Options struct {
	Ledger    Ledger
	Engine    Engine
	Proxy     Proxy
	Machine   Machine
	Subscribe func(app.Name) (ticks <-chan struct{}, cancel func())
	Logger    *slog.Logger
}

// Prober proves each live release once, and all of the machine when it is asked. It is safe
// for concurrent use.
type Prober struct {
	Options

	mu  sync.Mutex // one probe at a time
	now func() time.Time
}

// New returns a Prober that does nothing until Run.
func New(o Options) *Prober { return &Prober{Options: o, now: time.Now} }

// Proof returns what was found out about a live release; problem.ErrNotFound until it was.
func (p *Prober) Proof(ctx context.Context, id app.ReleaseID) (Proof, error) {
	return p.Ledger.FindProof(ctx, id)
}

// Proofs returns what was found out about the live releases.
func (p *Prober) Proofs(ctx context.Context) ([]Proof, error) { return p.Ledger.ListProofs(ctx) }

// Report returns the last whole probe; problem.ErrNotFound if there was none.
func (p *Prober) Report(ctx context.Context) (Report, error) { return p.Ledger.FindReport(ctx) }
