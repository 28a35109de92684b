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

// verify waits until the new instance has proven itself through the proxy: its
// own health check where the image has one, and an answer below 500.
func (s *shipment) verify(ctx context.Context, image docker.Image) error {
	if err := s.advance(ctx, ReleaseVerifying); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
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
		if answered && !image.HasHealthcheck {
			s.log.say("answered through the proxy after %s", roundSeconds(time.Since(began)))
			return nil
		}
		if time.Since(inspected) >= inspectEvery {
			inspected = time.Now()
			healthy, err := s.inspect(ctx)
			if err != nil {
				return err
			}
			if answered && healthy {
				s.log.say("healthy, and answered through the proxy, after %s", roundSeconds(time.Since(began)))
				return nil
			}
			if answered {
				last = errUnhealthy
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

// inspect looks at the instance itself: healthy where it has a health check, and an error where it died.
func (s *shipment) inspect(ctx context.Context) (healthy bool, err error) {
	instance, err := s.engine.Inspect(ctx, s.release.Instances[0])
	if err != nil {
		return false, err
	}
	state := instance.Condition
	// Only between two starts the engine tells how the last run ended; an app that
	// runs after its restarts may still come up.
	ended := !state.Running && (!state.Restarting || state.Restarts >= restartsToDie)
	if state.OOMKilled || ended {
		return false, &diedError{condition: state}
	}
	return state.Health == "" || state.Health == "healthy", nil
}

// diedError says that an instance ended while it was being verified.
type diedError struct{ condition docker.Condition }

func (e *diedError) Error() string {
	return fmt.Sprintf("the app ended with exit code %d", e.condition.ExitCode)
}
