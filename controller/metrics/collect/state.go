package collect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"berth/controller/metrics"
	"berth/controller/metrics/history"
)

// state returns what is known of a subject, which begins with nothing. The caller holds mu.
func (c *Collector) state(subject metrics.Subject) *metrics.State {
	if c.states[subject] == nil {
		app, service := partsOf(subject)
		c.states[subject] = &metrics.State{App: app, Service: service, Values: make(metrics.Values)}
	}
	return c.states[subject]
}

// stays are the levels that an app has also while nothing of it runs.
var stays = map[metrics.Metric]bool{metrics.DiskUsed: true, metrics.BuildTime: true}

// note keeps the newest readings at hand. Levels stay until there are newer ones, for as
// long as the app has instances.
func (c *Collector) note(now time.Time, taken readings) {
	running := make(map[string]bool)
	for _, sample := range c.instances {
		running[string(sample.App)] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for subject, state := range c.states {
		if state.App != "" && !running[state.App] {
			maps.DeleteFunc(state.Values, func(metric metrics.Metric, _ int64) bool { return !stays[metric] })
		}
		if cpu, ok := taken[subject][metrics.CPU]; ok {
			c.ringOf(subject).add(now, metrics.CPU.Value(float64(cpu)))
		}
	}
	for subject, values := range taken {
		maps.Copy(c.state(subject).Values, values)
	}
}

func (c *Collector) ringOf(subject metrics.Subject) *ring {
	if c.recent[subject] == nil {
		c.recent[subject] = new(ring)
	}
	return c.recent[subject]
}

// States returns what is known at the moment, the server first and apps by name.
func (c *Collector) States() []metrics.State {
	c.mu.RLock()
	defer c.mu.RUnlock()
	states := make([]metrics.State, 0, len(c.states))
	for _, state := range c.states {
		copied := *state
		copied.Values, copied.Totals.Latencies = maps.Clone(state.Values), maps.Clone(state.Totals.Latencies)
		states = append(states, copied)
	}
	slices.SortFunc(states, func(a, b metrics.State) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Service, b.Service))
	})
	return states
}

// Recent returns the app's use of the processor in each of the last 60 minutes, in percent
// of one core, the oldest first. A minute that was not measured is below zero.
func (c *Collector) Recent(app string) []float64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	recent := c.recent[metrics.App(app)]
	if recent == nil {
		return nil
	}
	return recent.list(time.Now())
}

// Read returns what the history has of the subject.
func (c *Collector) Read(ctx context.Context, subject metrics.Subject, r metrics.Range, now time.Time) ([]history.At, error) {
	kept := c.history()
	if kept == nil {
		return nil, nil
	}
	return kept.Read(ctx, subject, r, now)
}

func (c *Collector) history() *history.History {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kept
}

// ensureOpen opens the file if it is not open yet. If it cannot be opened, Berth measures
// without a history, and tries again in the next round.
func (c *Collector) ensureOpen(ctx context.Context, now time.Time) {
	if c.history() != nil {
		return
	}
	kept, err := history.Open(ctx, c.options.File, c.options.Logger)
	if err != nil {
		c.options.Logger.Warn("measurements cannot be kept", "error", err)
		return
	}
	kept.Handles = c.options.Handles
	c.mu.Lock()
	c.kept = kept
	c.mu.Unlock()
	c.remember(ctx, kept, now)
}

func (c *Collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return
	}
	if err := c.kept.Close(); err != nil {
		c.options.Logger.Warn("close measurements", "error", err)
	}
	c.kept = nil
}

// remember fills the last minutes from the history.
func (c *Collector) remember(ctx context.Context, kept *history.History, now time.Time) {
	lastHour := metrics.Range{Long: time.Hour, Tier: metrics.Tiers()[1]}
	for _, subject := range kept.Subjects() {
		points, err := kept.Read(ctx, subject, lastHour, now)
		if err != nil {
			return
		}
		c.mu.Lock()
		for _, point := range points {
			if cpu, ok := point.Point[metrics.CPU]; ok {
				c.ringOf(subject).add(point.Time, metrics.CPU.Value(cpu.Mean()))
			}
		}
		c.mu.Unlock()
	}
}

const ringLength = 60 // minutes

// ring is the mean of each of the last minutes. The zero value is empty.
type ring struct {
	minutes [ringLength]int64
	sums    [ringLength]float32
	counts  [ringLength]float32
}

func (r *ring) add(at time.Time, value float64) {
	minute := at.Unix() / 60
	place := minute % ringLength
	if r.minutes[place] != minute {
		r.minutes[place], r.sums[place], r.counts[place] = minute, 0, 0
	}
	r.sums[place] += float32(value)
	r.counts[place]++
}

func (r *ring) list(now time.Time) []float64 {
	last := now.Unix() / 60
	values := make([]float64, 0, ringLength)
	for minute := last - ringLength + 1; minute <= last; minute++ {
		place := minute % ringLength
		if r.minutes[place] != minute || r.counts[place] == 0 {
			values = append(values, -1)
			continue
		}
		values = append(values, float64(r.sums[place]/r.counts[place]))
	}
	return values
}
