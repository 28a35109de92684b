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
func (s *shipment) verify(ctx context.Context) error {
	if err := s.advance(ctx, app.ReleaseVerifying); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	ctx, stop := s.watched(ctx)
	defer stop()
	began := time.Now()
	defer func() { s.waited = time.Since(began) }()
	wait, last := firstPause, errNotReady
	for {
		good, err := s.proven(ctx, began)
		if good {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if !s.answered.Load() {
			if err := s.takePort(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if pause.For(ctx, wait) != nil {
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return cause
			}
			return last
		}
		wait = min(wait*3/2, longestPause)
	}
}

// proven asks the release once. The error says what is amiss so far.
func (s *shipment) proven(ctx context.Context, began time.Time) (bool, error) {
	answered, err := s.probe(ctx)
	s.answered.Store(answered)
	if !answered {
		return false, err
	}
	if s.main().Sole && !s.main().checksHealth() {
		s.log.say("answered through the proxy after %s", roundSeconds(time.Since(began)))
		return true, nil
	}
	waiting, err := s.inspect(ctx)
	if err != nil {
		return false, err // who watches finds it too, and ends the wait
	}
	if waiting != nil {
		return false, s.ofService(waiting, errUnhealthy)
	}
	s.log.say("healthy, and answered through the proxy, after %s", roundSeconds(time.Since(began)))
	return true, nil
}

// watched looks at the instances until stop is called; one that died ends the context,
// with the error as its cause. How long an answer takes does not keep it from looking.
func (s *shipment) watched(ctx context.Context) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for pause.For(ctx, inspectEvery) == nil {
			if _, err := s.inspect(ctx); err != nil && ctx.Err() == nil {
				end(err)
			}
		}
	})
	watching.Go(func() { s.lookInside(ctx) })
	return ctx, func() {
		end(nil)
		watching.Wait()
	}
}

// patience is how long the slowest service may take to become ready.
func (s *shipment) patience() time.Duration {
	longest := readyTimeout
	for i := range s.services {
		longest = max(longest, s.services[i].patience())
	}
	return longest
}

// probe asks each readiness path once; while nothing listens yet, the first answer says so for all.
func (s *shipment) probe(ctx context.Context) (answered bool, err error) {
	target := s.target(true)
	for _, path := range readinessPaths {
		status, probeErr := s.proxy.Probe(ctx, target, path)
		switch {
		case probeErr != nil:
			return false, fmt.Errorf("%w: %w", errNotReady, probeErr)
		case status < http.StatusInternalServerError:
			return true, nil
		case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
			return false, fmt.Errorf("%w: nothing answers on %s", errNotReady, s.release.Address)
		}
		err = fmt.Errorf("%w: %s answered %d", errNotReady, path, status)
	}
	return false, err
}

// inspect looks at the instances themselves. It returns the first service that is not
// as it should be yet, nil where all are, and an error where one died.
func (s *shipment) inspect(ctx context.Context) (waiting *shipped, err error) {
	for i := range s.services {
		service := &s.services[i]
		if s.optional(service) {
			continue
		}
		ready, err := s.ready(ctx, service)
		if err != nil {
			return nil, s.ofService(service, err)
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
