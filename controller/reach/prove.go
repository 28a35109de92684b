package reach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/traefik"
)

const (
	settle     = 3 * time.Second  // after a change; more changes in it cost no more
	every      = time.Minute      // without any change
	afterError = 30 * time.Second // before the engine is asked again
	badAgain   = 5 * time.Minute  // after which a bad proof is made anew
	sweepTries = 5
	sweepPause = 2 * time.Second

	// The proxy learns the routes just after a release went live.
	visitRounds = 5
	visitPause  = 2 * time.Second
)

// Run removes what an earlier process has left, and proves releases after they went live,
// until ctx ends. Nothing waits for it.
func (p *Prober) Run(ctx context.Context) error {
	p.sweep(ctx)
	ticks, cancel := p.Subscribe("")
	defer cancel()
	for {
		if pause.For(ctx, settle) != nil {
			return nil
		}
		if err := p.Prove(ctx); err != nil && ctx.Err() == nil {
			p.Logger.Warn("prove that apps are reachable only through the proxy", "error", err)
			if pause.For(ctx, afterError) != nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		case <-time.After(every):
		}
	}
}

// sweep removes the networks of probes of an earlier process. Its containers end by
// themselves, and hold them until then.
func (p *Prober) sweep(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range sweepTries {
		err := p.Engine.RemoveProbeNetworks(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.Logger.Debug("remove the networks of probes", "error", err)
		if pause.For(ctx, sweepPause) != nil {
			return
		}
	}
}

// Prove proves the releases that are not proven yet, with one container for all of them.
func (p *Prober) Prove(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids, err := p.Ledger.ListUnproven(ctx, p.now().Add(-badAgain))
	if err != nil || len(ids) == 0 {
		return err
	}
	places, err := p.Engine.Places(ctx)
	if err != nil {
		return fmt.Errorf("find instances: %w", err)
	}
	wanted := make(map[app.ReleaseID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	tries := bounded(appTries(places, func(id app.ReleaseID) bool { return wanted[id] }))
	results, err := p.Engine.Probe(ctx, docker.ProbeOptions{
		Tries: func(context.Context, netip.Addr) ([]probe.Try, error) { return tries, nil },
	})
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return p.save(ctx, ids, results)
}

// save keeps a proof of each release.
func (p *Prober) save(ctx context.Context, ids []app.ReleaseID, results []probe.Result) error {
	open := make(map[string][]probe.Try)
	for _, try := range leaks(results) {
		if try.Kind == probe.App {
			open[try.Target] = append(open[try.Target], try)
		}
	}
	answered, err := p.answered(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		proof := Proof{Release: id, At: p.now(), Answered: answered[id], Leaks: open[targetOf(id)]}
		if err := p.Ledger.SaveProof(ctx, proof); err != nil {
			return err
		}
		if !proof.Good() {
			p.Logger.Warn("an app is not reachable only through the proxy", "release", id.String(), "answered", proof.Answered, "leaks", len(proof.Leaks))
		}
	}
	return nil
}

// answered returns the releases of which visitors get an answer, in a few rounds.
func (p *Prober) answered(ctx context.Context, ids []app.ReleaseID) (map[app.ReleaseID]bool, error) {
	answered := make(map[app.ReleaseID]bool, len(ids))
	for round := 1; ; round++ {
		for _, id := range ids {
			if answered[id] {
				continue
			}
			answers, err := p.answers(ctx, id)
			if err != nil && !errors.Is(err, problem.ErrNotFound) { // it was deleted meanwhile
				return nil, err
			}
			if answers {
				answered[id] = true
			}
		}
		if len(answered) == len(ids) || round == visitRounds {
			return answered, nil
		}
		if err := pause.For(ctx, visitPause); err != nil {
			return nil, err
		}
	}
}

// answers asks once for the app's first route.
func (p *Prober) answers(ctx context.Context, id app.ReleaseID) (bool, error) {
	found, err := p.Ledger.FindApp(ctx, id.App)
	if err != nil {
		return false, fmt.Errorf("find app: %w", err)
	}
	release, err := p.Ledger.FindRelease(ctx, id)
	if err != nil {
		return false, fmt.Errorf("find release: %w", err)
	}
	if len(found.Routes) == 0 {
		return false, nil
	}
	host, address := firstAddress(found.Routes[0])
	page, err := p.Proxy.Visit(ctx, host, address)
	if err != nil {
		return false, ctx.Err()
	}
	// Apps that are not asked over HTTP may speak nothing of it, and answer with an error.
	readiness := release.Settings.Readiness
	lenient := readiness.By != app.ReadyHTTP || found.Access.Maintenance.On || page.Status == readiness.Status
	return lenient || page.Status < http.StatusInternalServerError, nil
}

// firstAddress is one that the route covers.
func firstAddress(route traefik.Route) (traefik.Host, *url.URL) {
	host := route.Host
	if host.IsWildcard() {
		host = "berth-probe" + host[1:]
	}
	return host, &url.URL{Scheme: "http", Host: "app.invalid", Path: strings.TrimSuffix(string(route.Path), "/") + "/"}
}
