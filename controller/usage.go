package controller

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/docker"
)

const (
	sampleEvery    = 5 * time.Second  // while somebody looks
	sampleIdle     = time.Minute      // while nobody does
	lookedAtFor    = 30 * time.Second // a page counts as looked at for so long
	sampleAtOnce   = 2                // each costs the engine milliseconds, which whoever looks waits for too
	sampleDeadline = 10 * time.Second
)

// usageBook holds what each app takes at the moment. A sampler fills it and
// pages read it: no page waits for the engine.
type usageBook struct {
	mu       sync.RWMutex
	apps     map[AppName]Usage
	samples  map[AppName]samples
	lookedAt atomic.Int64 // unix nanoseconds
	look     chan struct{}
}

// samples are the last ones of an app's instances, by name, for the difference to the next.
type samples map[string]docker.Usage

func newUsageBook() *usageBook {
	return &usageBook{apps: make(map[AppName]Usage), samples: make(map[AppName]samples), look: make(chan struct{}, 1)}
}

// of returns what the app takes, and notes that somebody looks.
func (b *usageBook) of(app AppName) (Usage, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	usage, ok := b.apps[app]
	return usage, ok
}

// instance returns what one instance of the app takes.
func (b *usageBook) instance(app AppName, name string) (docker.Usage, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	taken, ok := b.samples[app][name]
	return taken, ok
}

// looked notes that somebody looks, and wakes the sampler from its idle pace.
func (b *usageBook) looked() {
	before := b.lookedAt.Swap(time.Now().UnixNano())
	if time.Since(time.Unix(0, before)) < lookedAtFor {
		return
	}
	select {
	case b.look <- struct{}{}:
	default:
	}
}

func (b *usageBook) pace() time.Duration {
	if time.Since(time.Unix(0, b.lookedAt.Load())) < lookedAtFor {
		return sampleEvery
	}
	return sampleIdle
}

func (c *Controller) usageLoop(ctx context.Context) error {
	for {
		c.sample(ctx)
		select {
		case <-time.After(c.usage.pace()):
		case <-c.usage.look:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sample measures every running app once. An instance that does not answer in
// time keeps its old figures; no other waits for it.
func (c *Controller) sample(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sampleDeadline)
	defer cancel()
	apps, latest, err := c.ledger.ListOverview(ctx)
	if err != nil {
		c.logger.Warn("list apps to sample", "error", err)
		return
	}
	var group errgroup.Group
	group.SetLimit(sampleAtOnce)
	for _, app := range apps {
		if app.Live == 0 || app.Wanted != WantedRunning {
			c.usage.forget(app.Name)
			continue
		}
		group.Go(func() error {
			c.sampleApp(ctx, app, latest[app.Name])
			return nil
		})
	}
	_ = group.Wait()
}

// sampleApp measures the instances of the live release, which mostly is the latest.
func (c *Controller) sampleApp(ctx context.Context, app App, latest *Release) {
	live := latest
	if live == nil || live.Number != app.Live {
		found, err := c.ledger.FindRelease(ctx, ReleaseID{App: app.Name, Number: app.Live})
		if err != nil {
			return
		}
		live = &found
	}
	taken := make(samples, len(live.Instances))
	for _, name := range live.Instances {
		used, err := c.engine.Usage(ctx, name)
		if err != nil {
			return
		}
		taken[name] = used
	}
	c.usage.enter(app.Name, taken)
	c.notices.notify(app.Name)
}

func (u Usage) plus(now, before docker.Usage) Usage {
	u.MemoryBytes += now.MemoryBytes
	u.MemoryLimit += now.MemoryLimit
	u.At = now.At
	if elapsed := now.At.Sub(before.At); !before.At.IsZero() && elapsed > 0 && now.CPUNanos >= before.CPUNanos {
		u.CPUPercent += 100 * float64(now.CPUNanos-before.CPUNanos) / float64(elapsed.Nanoseconds())
	}
	return u
}

// enter adds the samples of an app's instances up. Those of instances that are
// gone are forgotten.
func (b *usageBook) enter(owner AppName, taken samples) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var sum Usage
	for name, now := range taken {
		sum = sum.plus(now, b.samples[owner][name])
	}
	b.apps[owner], b.samples[owner] = sum, taken
}

func (b *usageBook) forget(app AppName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.apps, app)
	delete(b.samples, app)
}
