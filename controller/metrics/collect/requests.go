package collect

import (
	"context"
	"maps"
	"math"
	"slices"

	"berth/controller/metrics"
	"berth/traefik"
)

// answered is what an app answered in one round.
type answered struct {
	classes           [6]float64
	bytesIn, bytesOut float64
	latencies         metrics.Latencies
}

// takeRequests takes what the proxy has counted since the round before.
func (c *Collector) takeRequests(ctx context.Context, taken readings) error {
	type counted struct {
		counter traefik.Counter
		value   float64
	}
	var all []counted
	err := c.options.Proxy.Counters(ctx, func(counter traefik.Counter, value float64) { all = append(all, counted{counter, value}) })
	if err != nil {
		return err
	}
	apps := make(map[string]*answered)
	c.counters.Begin()
	for _, one := range all {
		if apps[one.counter.App] == nil {
			apps[one.counter.App] = &answered{latencies: make(metrics.Latencies)}
		}
		if grown, ok := c.counters.Born(one.counter.ID, one.value); ok {
			apps[one.counter.App].count(one.counter, grown)
		}
	}
	for subject := range taken {
		if name, service := partsOf(subject); name != "" && service == "" && apps[name] == nil {
			apps[name] = new(answered) // it runs, and nobody asked
		}
	}
	for name, did := range apps {
		did.enter(taken, metrics.App(name))
		did.enterCounts(taken, metrics.Server)
		c.addRequests(metrics.App(name), did)
	}
	return nil
}

func (a *answered) count(counter traefik.Counter, grown float64) {
	switch counter.Kind {
	case traefik.CountRequests:
		class := counter.Code / 100
		if class < 1 || class > 5 {
			class = 0
		}
		a.classes[class] += grown
	case traefik.CountDuration:
		a.latencies[counter.Most] += grown
	case traefik.CountRequestBytes:
		a.bytesIn += grown
	case traefik.CountAnswerBytes:
		a.bytesOut += grown
	}
}

func (a *answered) enter(taken readings, subject metrics.Subject) {
	a.enterCounts(taken, subject)
	for metric, q := range map[metrics.Metric]float64{metrics.LatencyP50: 0.5, metrics.LatencyP95: 0.95, metrics.LatencyP99: 0.99} {
		if seconds, ok := a.latencies.Quantile(q); ok {
			taken.of(subject).Set(metric, seconds)
		}
	}
}

func (a *answered) enterCounts(taken readings, subject metrics.Subject) {
	requests := 0.0
	for _, class := range a.classes {
		requests += class
	}
	taken.add(subject, metrics.Requests, requests)
	taken.add(subject, metrics.Errors4xx, a.classes[4])
	taken.add(subject, metrics.Errors5xx, a.classes[5])
	taken.add(subject, metrics.BytesIn, a.bytesIn)
	taken.add(subject, metrics.BytesOut, a.bytesOut)
}

func (c *Collector) addRequests(subject metrics.Subject, did *answered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	totals := &c.state(subject).Totals
	for class, count := range did.classes {
		totals.Requests[class] += count
	}
	totals.BytesIn += did.bytesIn
	totals.BytesOut += did.bytesOut
	if totals.Latencies == nil {
		totals.Latencies = make(metrics.Latencies)
	}
	below, counted := 0.0, 0.0
	for _, bound := range slices.Sorted(maps.Keys(did.latencies)) {
		count := did.latencies[bound]
		totals.Latencies[bound] += count
		middle := (below + bound) / 2
		if math.IsInf(bound, 1) {
			middle = below
		}
		totals.Seconds += middle * max(0, count-counted)
		below, counted = bound, count
	}
}
