package release

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/pause"
	"berth/controller/printable"
	"berth/controller/readiness"
	"berth/traefik"
)

const (
	firstPause   = 5 * time.Millisecond   // between probes, growing
	longestPause = 500 * time.Millisecond // up to this
	// inspectEvery is how often instances are looked at: the engine waits 100 ms before it
	// starts one again, and only then tells how it ended.
	inspectEvery = 50 * time.Millisecond
)

var (
	errUnhealthy    = errors.New("the health check did not turn healthy in time")
	errBuildTimeout = errors.New("the build took too long")
)

// verify waits until the new release has proven itself through the proxy: its own
// health checks where it has any, and an answer below 500. The services beside the
// main one must run, or have ended well. An instance that dies ends the wait at once.
func (i instances) verify(ctx context.Context) (proof, error) {
	if err := i.advance(ctx, app.ReleaseVerifying); err != nil {
		return proof{}, err
	}
	if err := i.refreshRoutes(ctx); err != nil {
		return proof{}, err
	}
	patience := i.patience()
	if patience > time.Minute {
		i.log.Say("it may take up to %s to become ready", printable.Duration(patience))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, stop := i.watched(ctx)
	defer stop()
	began := time.Now()
	defer func() { i.waited = time.Since(began) }()
	wait, last := firstPause, readiness.ErrNotReady
	for {
		good, err := i.proven(ctx, began)
		if good {
			return proof{i}, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if !i.answered.Load() {
			if err := i.takePort(ctx); err != nil && ctx.Err() == nil {
				return proof{}, err
			}
		}
		if pause.For(ctx, wait) != nil {
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return proof{}, cause
			}
			return proof{}, last
		}
		wait = min(wait*3/2, longestPause)
	}
}

// proven asks the release once. The error says what is amiss so far.
func (p *planned) proven(ctx context.Context, began time.Time) (bool, error) {
	byHealth := p.release.Settings.Readiness.By == app.ReadyHealth
	answered, err := byHealth, error(nil)
	if !byHealth {
		answered, err = p.probe(ctx, p.target(true), p.release.Settings.Readiness)
	}
	p.answered.Store(answered)
	if !answered {
		return false, err
	}
	if err := p.refreshRoutes(ctx); err != nil { // one may have been removed because it does not answer
		return false, err
	}
	if err := p.probeLeads(ctx); err != nil {
		return false, err
	}
	if p.main().Sole && !p.main().checksHealth() {
		p.log.Say("answered through the proxy after %s", roundSeconds(time.Since(began)))
		return true, nil
	}
	waiting, err := p.inspect(ctx)
	if err != nil {
		return false, err // who watches finds it too, and ends the wait
	}
	if waiting != nil {
		return false, p.ofService(waiting, errUnhealthy)
	}
	how := "healthy, and answered through the proxy,"
	if byHealth {
		how = "healthy"
	}
	p.log.Say("%s after %s", how, roundSeconds(time.Since(began)))
	return true, nil
}

// watched looks at the instances until stop is called; one that died ends the context,
// with the error as its cause. How long an answer takes does not keep it from looking.
func (p *planned) watched(ctx context.Context) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for pause.For(ctx, inspectEvery) == nil {
			if _, err := p.inspect(ctx); err != nil && ctx.Err() == nil {
				end(err)
			}
		}
	})
	watching.Go(func() { p.lookInside(ctx) })
	return ctx, func() {
		end(nil)
		watching.Wait()
	}
}

// patience is how long the slowest service may take to become ready.
func (p *planned) patience() time.Duration {
	var longest time.Duration
	for i := range p.services {
		patience, _ := p.patienceWith(&p.services[i])
		longest = max(longest, patience)
	}
	return longest
}

// probe asks once whether the target is ready. A port that accepts connections and speaks
// no HTTP is known by what listens.
func (s *shipment) probe(ctx context.Context, target traefik.Target, wanted app.Readiness) (ready bool, err error) {
	ready, err = readiness.Ask(ctx, wanted, target.Address, func(ctx context.Context, path string) (int, error) {
		return s.proxy.Probe(ctx, target, path)
	})
	if !ready && wanted.By == app.ReadyTCP {
		reached, _, _ := s.ports.Seen()
		ready = slices.Contains(reached, s.ports.Asked())
	}
	return ready, err
}

// inspect looks at the instances themselves. It returns the first service that is not
// as it should be yet, nil where all are, and an error where one died.
func (p *planned) inspect(ctx context.Context) (waiting *shipped, err error) {
	for i := range p.services {
		service := &p.services[i]
		if p.optional(service) {
			continue
		}
		ready, err := p.ready(ctx, service)
		if err != nil {
			return nil, p.ofService(service, err)
		}
		if !ready && waiting == nil {
			waiting = service
		}
	}
	return waiting, nil
}
