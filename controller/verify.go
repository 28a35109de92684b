package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"berth/controller/docker"
)

const (
	readyTimeout  = 60 * time.Second       // for a new instance to answer
	firstPause    = 5 * time.Millisecond   // between probes, growing
	longestPause  = 500 * time.Millisecond // up to this
	inspectEvery  = 200 * time.Millisecond // how often a silent instance is looked at
	restartsToDie = 2                      // an instance that was restarted so often is not coming up
)

// readinessPaths are asked in turn; the first answer below 500 counts.
var readinessPaths = []string{"/health", "/status", "/api/health", "/api/status", "/"}

var (
	errNotReady     = errors.New("no answer below 500 in time")
	errUnhealthy    = errors.New("the health check did not turn healthy in time")
	errProxySilent  = errors.New("the proxy did not confirm the route")
	errBuildTimeout = errors.New("the build took too long")
)

// verify waits until the new release has proven itself through the proxy: its own
// health checks where it has any, and an answer below 500. The services beside the
// main one must run, or have ended well.
func (s *shipment) verify(ctx context.Context) error {
	if err := s.advance(ctx, ReleaseVerifying); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	began := time.Now()
	inspected := began
	pause := firstPause
	last := errNotReady
	for {
		answered, err := s.probe(ctx)
		if err != nil {
			last = err
		}
		if answered && !s.composed && !s.main().checksHealth() {
			s.log.say("answered through the proxy after %s", roundSeconds(time.Since(began)))
			return nil
		}
		if time.Since(inspected) >= inspectEvery || answered && s.composed {
			inspected = time.Now()
			waiting, err := s.inspect(ctx)
			if err != nil {
				return err
			}
			if answered && waiting == nil {
				s.log.say("healthy, and answered through the proxy, after %s", roundSeconds(time.Since(began)))
				return nil
			}
			if answered {
				last = s.ofService(waiting, errUnhealthy)
			}
		}
		select {
		case <-time.After(pause):
			pause = min(pause*3/2, longestPause)
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return cause
			}
			return last
		}
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
type diedError struct{ condition docker.Condition }

func (e *diedError) Error() string {
	return fmt.Sprintf("the app ended with exit code %d", e.condition.ExitCode)
}
