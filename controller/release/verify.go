package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/traefik"
)

const (
	readyTimeout = 60 * time.Second       // for a new instance to answer
	firstPause   = 5 * time.Millisecond   // between probes, growing
	longestPause = 500 * time.Millisecond // up to this
	// inspectEvery is how often instances are looked at: the engine waits 100 ms before it
	// starts one again, and only then tells how it ended.
	inspectEvery  = 50 * time.Millisecond
	restartsToDie = 2               // an instance that ended so often is not coming up
	crashGrace    = 2 * time.Second // unless it answers so soon after the last of these ends
)

// readinessPaths are asked in turn; the first answer below 500 counts.
var readinessPaths = []string{"/health", "/status", "/api/health", "/api/status", "/"}

var (
	errNotReady     = errors.New("no answer below 500 in time")
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
	ctx, cancel := context.WithTimeout(ctx, i.patience())
	defer cancel()
	ctx, stop := i.watched(ctx)
	defer stop()
	began := time.Now()
	defer func() { i.waited = time.Since(began) }()
	wait, last := firstPause, errNotReady
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
	answered, err := p.probe(ctx, p.target(true))
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
		p.log.say("answered through the proxy after %s", roundSeconds(time.Since(began)))
		return true, nil
	}
	waiting, err := p.inspect(ctx)
	if err != nil {
		return false, err // who watches finds it too, and ends the wait
	}
	if waiting != nil {
		return false, p.ofService(waiting, errUnhealthy)
	}
	p.log.say("healthy, and answered through the proxy, after %s", roundSeconds(time.Since(began)))
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
	longest := readyTimeout
	for i := range p.services {
		longest = max(longest, p.services[i].patience())
	}
	return longest
}

// probe asks each readiness path once; while nothing listens yet, the first answer says so for all.
func (s *shipment) probe(ctx context.Context, target traefik.Target) (answered bool, err error) {
	for _, path := range readinessPaths {
		status, probeErr := s.proxy.Probe(ctx, target, path)
		switch {
		case probeErr != nil:
			return false, fmt.Errorf("%w: %w", errNotReady, probeErr)
		case status < http.StatusInternalServerError:
			return true, nil
		case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
			return false, fmt.Errorf("%w: nothing answers on %s", errNotReady, target.Address)
		}
		err = fmt.Errorf("%w: %s answered %d", errNotReady, path, status)
	}
	return false, err
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

// diedError says that an instance ended while it was being verified.
type diedError struct {
	condition docker.Condition
	unseen    bool // how it ended was not seen: it was running again each time
}

func (e *diedError) Error() string {
	if e.unseen {
		return fmt.Sprintf("the app ended %d times", e.condition.Restarts)
	}
	return fmt.Sprintf("the app ended with exit code %d", e.condition.ExitCode)
}
