// Package usage samples what each app takes of memory and processor. A sampler fills a
// book and pages read it: no page waits for the engine. A sample costs the engine
// milliseconds, so the apps that somebody looks at and those that changed lately are
// sampled often, and the others once a minute.
package usage

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
)

const (
	paceOpen       = 5 * time.Second  // of an app whose own page somebody looks at
	paceFine       = 15 * time.Second // of an app that changed lately, and of all while somebody looks at the list
	paceIdle       = time.Minute      // of the others
	lookedAtFor    = 30 * time.Second // a page counts as looked at for so long
	changedFor     = 15 * time.Minute // an app that started or was started again counts as changed for so long
	sampleAtOnce   = 2                // each costs the engine milliseconds, which whoever looks waits for too
	sampleDeadline = 10 * time.Second

	beforeMetrics = 5 * time.Second // rounds end before the metrics of each 15 s are taken
	slack         = 2 * time.Second // rounds do not begin at the very moment
)

// Ledger is what a Sampler reads of the ledger.
type Ledger interface {
	ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error)
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// Engine measures one instance.
type Engine interface {
	Usage(ctx context.Context, name string, before docker.Usage) (docker.Usage, error)
}

// Sampler knows what each app takes at the moment, while Run runs. It is safe for
// concurrent use.
type Sampler struct {
	ledger Ledger
	engine Engine
	logger *slog.Logger
	notify func(app.Name) // of an app with a new sample

	mu     sync.RWMutex
	apps   map[app.Name]known
	listAt time.Time              // when somebody last looked at the list of all apps
	openAt map[app.Name]time.Time // when somebody last looked at an app's own page
	look   chan struct{}
	begun  bool // a round has ended: apps that are new now have changed
}

// known is what is known of an app that runs.
type known struct {
	usage     app.Usage
	samples   samples
	services  map[string]string // the service of each instance, where there are several
	at        time.Time         // of the round that sampled it
	changedAt time.Time
}

// samples are the last ones of an app's instances, by name, for the difference to the next.
type samples map[string]docker.Usage

// NewSampler returns a Sampler that knows nothing yet.
func NewSampler(ledger Ledger, engine Engine, logger *slog.Logger, notify func(app.Name)) *Sampler {
	return &Sampler{
		ledger: ledger, engine: engine, logger: logger, notify: notify,
		apps: make(map[app.Name]known), openAt: make(map[app.Name]time.Time), look: make(chan struct{}, 1),
	}
}

// Of returns what the app takes.
func (s *Sampler) Of(app app.Name) (app.Usage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.apps[app]
	return found.usage, ok
}

// Instance returns what one instance of the app takes.
func (s *Sampler) Instance(app app.Name, name string) (docker.Usage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	taken, ok := s.apps[app].samples[name]
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
	for owner, found := range s.apps {
		for name, used := range found.samples {
			all = append(all, Measured{App: owner, Service: found.services[name], Instance: name, Usage: used})
		}
	}
	return all
}

// LookedAtList notes that somebody looks at the list of all apps, and wakes the sampler.
func (s *Sampler) LookedAtList() {
	now := time.Now()
	s.mu.Lock()
	before := s.listAt
	s.listAt = now
	s.mu.Unlock()
	s.wake(now.Sub(before))
}

// LookedAt notes that somebody looks at the page of the app, and wakes the sampler.
func (s *Sampler) LookedAt(app app.Name) {
	now := time.Now()
	s.mu.Lock()
	before := s.openAt[app]
	s.openAt[app] = now
	s.mu.Unlock()
	s.wake(now.Sub(before))
}

// wake begins a round if somebody looks again after a while.
func (s *Sampler) wake(since time.Duration) {
	if since < lookedAtFor {
		return
	}
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// Run samples until ctx ends.
func (s *Sampler) Run(ctx context.Context) error {
	for {
		s.sample(ctx, time.Now())
		select {
		case <-time.After(time.Until(s.next(time.Now()))):
		case <-s.look:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next is when the next round begins. A round in which no app is due still lists them all,
// so there is none.
func (s *Sampler) next(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.openAt, func(_ app.Name, at time.Time) bool { return now.Sub(at) >= lookedAtFor })
	every := paceIdle
	if now.Sub(s.listAt) < lookedAtFor {
		every = paceFine
	}
	for _, found := range s.apps {
		if now.Sub(found.changedAt) < changedFor {
			every = paceFine
		}
	}
	if len(s.openAt) > 0 {
		every = paceOpen
	}
	return now.Add(beforeMetrics).Truncate(every).Add(every - beforeMetrics)
}

// due reports whether an app is to be sampled in the round that begins now.
func (s *Sampler) due(name app.Name, now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, pace := s.apps[name], paceIdle
	switch {
	case now.Sub(s.openAt[name]) < lookedAtFor:
		pace = paceOpen
	case now.Sub(s.listAt) < lookedAtFor, now.Sub(found.changedAt) < changedFor:
		pace = paceFine
	}
	return now.Sub(found.at) >= pace-slack
}

// sample measures each running app that is due. An instance that does not answer in time
// keeps its old figures; no other waits for it.
func (s *Sampler) sample(ctx context.Context, now time.Time) {
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
		if !s.due(found.Name, now) {
			continue
		}
		group.Go(func() error {
			s.sampleApp(ctx, now, found, latest[found.Name])
			return nil
		})
	}
	_ = group.Wait()
	s.begun = true
}

// sampleApp measures the instances of the live release, which mostly is the latest.
func (s *Sampler) sampleApp(ctx context.Context, now time.Time, found app.App, latest *app.Release) {
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
		before, _ := s.Instance(found.Name, name)
		used, err := s.engine.Usage(ctx, name, before)
		if err != nil {
			return
		}
		taken[name] = used
	}
	s.enter(found.Name, known{samples: taken, services: servicesOf(*live), at: now})
	s.notify(found.Name)
}

// enter adds the samples of an app's instances up. Those of instances that are
// gone are forgotten.
func (s *Sampler) enter(owner app.Name, found known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ran := s.apps[owner]
	found.changedAt = before.changedAt
	if ran && startedSince(before.samples, found.samples) || !ran && s.begun {
		found.changedAt = found.at
	}
	for name, now := range found.samples {
		found.usage = found.usage.Plus(now, before.samples[name])
	}
	s.apps[owner] = found
}

// startedSince reports whether an instance is new, or was started again.
func startedSince(before, now samples) bool {
	for name, taken := range now {
		if was, ran := before[name]; !ran || taken.Restarts > was.Restarts || taken.CPUNanos < was.CPUNanos {
			return true
		}
	}
	return false
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
}
