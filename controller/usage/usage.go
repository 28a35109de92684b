// Package usage samples what each app takes of memory and processor. A sampler fills a
// book and pages read it: no page waits for the engine.
package usage

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
)

const (
	sampleEvery    = 5 * time.Second  // while somebody looks
	sampleIdle     = time.Minute      // while nobody does
	lookedAtFor    = 30 * time.Second // a page counts as looked at for so long
	sampleAtOnce   = 2                // each costs the engine milliseconds, which whoever looks waits for too
	sampleDeadline = 10 * time.Second
)

// Ledger is what a Sampler reads of the ledger.
type Ledger interface {
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// Engine measures one instance.
type Engine interface {
	Usage(ctx context.Context, name string) (docker.Usage, error)
}

// Sampler knows what each app takes at the moment, while Run runs. It is safe for
// concurrent use.
type Sampler struct {
	ledger Ledger
	engine Engine
	logger *slog.Logger
	notify func(app.Name) // of an app with a new sample

	mu       sync.RWMutex
	apps     map[app.Name]app.Usage
	samples  map[app.Name]samples
	services map[app.Name]map[string]string // the service of each instance, where there are several
	lookedAt atomic.Int64                   // unix nanoseconds
	look     chan struct{}
}

// samples are the last ones of an app's instances, by name, for the difference to the next.
type samples map[string]docker.Usage

// NewSampler returns a Sampler that knows nothing yet.
func NewSampler(ledger Ledger, engine Engine, logger *slog.Logger, notify func(app.Name)) *Sampler {
	return &Sampler{
		ledger: ledger, engine: engine, logger: logger, notify: notify,
		apps: make(map[app.Name]app.Usage), samples: make(map[app.Name]samples), services: make(map[app.Name]map[string]string), look: make(chan struct{}, 1),
	}
}

// Of returns what the app takes.
func (s *Sampler) Of(app app.Name) (app.Usage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	usage, ok := s.apps[app]
	return usage, ok
}

// Instance returns what one instance of the app takes.
func (s *Sampler) Instance(app app.Name, name string) (docker.Usage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	taken, ok := s.samples[app][name]
	return taken, ok
}

// Measured is the newest sample of one instance.
type Measured struct {
	App      app.Name
	Service  string // empty where the app has only one
	Instance string
	Usage    docker.Usage
}

// All returns the newest sample of each instance that runs.
func (s *Sampler) All() []Measured {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Measured
	for owner, taken := range s.samples {
		for name, used := range taken {
			all = append(all, Measured{App: owner, Service: s.services[owner][name], Instance: name, Usage: used})
		}
	}
	return all
}

// Looked notes that somebody looks, and wakes the sampler from its idle pace.
func (s *Sampler) Looked() {
	before := s.lookedAt.Swap(time.Now().UnixNano())
	if time.Since(time.Unix(0, before)) < lookedAtFor {
		return
	}
	select {
	case s.look <- struct{}{}:
	default:
	}
}

func (s *Sampler) pace() time.Duration {
	if time.Since(time.Unix(0, s.lookedAt.Load())) < lookedAtFor {
		return sampleEvery
	}
	return sampleIdle
}

// Run samples until ctx ends: often while somebody looks, else now and then.
func (s *Sampler) Run(ctx context.Context) error {
	for {
		s.sample(ctx)
		select {
		case <-time.After(s.pace()):
		case <-s.look:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sample measures every running app once. An instance that does not answer in
// time keeps its old figures; no other waits for it.
func (s *Sampler) sample(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sampleDeadline)
	defer cancel()
	apps, latest, err := s.ledger.ListOverview(ctx)
	if err != nil {
		s.logger.Warn("list apps to sample", "error", err)
		return
	}
	var group errgroup.Group
	group.SetLimit(sampleAtOnce)
	for _, found := range apps {
		if found.Live == 0 || found.Wanted != app.WantedRunning {
			s.Forget(found.Name)
			continue
		}
		group.Go(func() error {
			s.sampleApp(ctx, found, latest[found.Name])
			return nil
		})
	}
	_ = group.Wait()
}

// sampleApp measures the instances of the live release, which mostly is the latest.
func (s *Sampler) sampleApp(ctx context.Context, found app.App, latest *app.Release) {
	live := latest
	if live == nil || live.Number != found.Live {
		found, err := s.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
		if err != nil {
			return
		}
		live = &found
	}
	taken := make(samples, len(live.Instances))
	for _, name := range live.Instances {
		used, err := s.engine.Usage(ctx, name)
		if err != nil {
			return
		}
		taken[name] = used
	}
	s.enter(found.Name, taken, servicesOf(*live))
	s.notify(found.Name)
}

// enter adds the samples of an app's instances up. Those of instances that are
// gone are forgotten.
func (s *Sampler) enter(owner app.Name, taken samples, services map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum app.Usage
	for name, now := range taken {
		sum = sum.Plus(now, s.samples[owner][name])
	}
	s.apps[owner], s.samples[owner], s.services[owner] = sum, taken, services
}

func servicesOf(live app.Release) map[string]string {
	if len(live.Services) < 2 {
		return nil
	}
	services := make(map[string]string)
	for _, run := range live.Services {
		for _, instance := range run.Instances {
			services[instance] = run.Spec.Name
		}
	}
	return services
}

// Forget drops what is known of an app.
func (s *Sampler) Forget(app app.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, app)
	delete(s.samples, app)
	delete(s.services, app)
}
