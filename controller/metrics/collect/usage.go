package collect

import (
	"berth/controller/docker"
	"berth/controller/metrics"
	"berth/controller/usage"
)

// takeUsage takes the samples that are newer than those of the round before.
func (c *Collector) takeUsage(taken readings) {
	now := make(map[string]usage.Measured)
	for _, sample := range c.options.Usage.All() {
		now[sample.Instance] = sample
		before, known := c.instances[sample.Instance]
		if known && !sample.Usage.At.After(before.Usage.At) {
			continue
		}
		grown := grownSince(before.Usage, sample.Usage)
		subjects := []metrics.Subject{metrics.App(string(sample.App))}
		if sample.Service != "" {
			subjects = append(subjects, metrics.Service(string(sample.App), sample.Service))
		}
		for _, subject := range subjects {
			enter(taken, subject, sample.Usage, grown)
			c.addUsage(subject, grown)
		}
	}
	c.instances = now
}

// growth is what an instance took between two samples. Without known seconds it is the
// first sample, or the instance was started again in between: a new baseline.
type growth struct {
	seconds                 float64
	cpuSeconds              float64
	networkIn, networkOut   float64
	blockRead, blockWritten float64
	restarts                float64
}

func grownSince(before, now docker.Usage) growth {
	seconds := now.At.Sub(before.At).Seconds()
	backwards := now.CPUNanos < before.CPUNanos || now.NetworkIn < before.NetworkIn || now.NetworkOut < before.NetworkOut ||
		now.BlockRead < before.BlockRead || now.BlockWritten < before.BlockWritten
	if before.At.IsZero() || seconds <= 0 {
		return growth{}
	}
	restarts := float64(max(0, now.Restarts-before.Restarts))
	if backwards {
		return growth{restarts: restarts}
	}
	return growth{
		seconds:    seconds,
		cpuSeconds: float64(now.CPUNanos-before.CPUNanos) / 1e9,
		networkIn:  float64(now.NetworkIn - before.NetworkIn), networkOut: float64(now.NetworkOut - before.NetworkOut),
		blockRead: float64(now.BlockRead - before.BlockRead), blockWritten: float64(now.BlockWritten - before.BlockWritten),
		restarts: restarts,
	}
}

func enter(taken readings, subject metrics.Subject, now docker.Usage, grown growth) {
	taken.add(subject, metrics.Memory, float64(now.MemoryBytes))
	taken.add(subject, metrics.MemorySize, float64(now.MemoryLimit))
	taken.add(subject, metrics.Processes, float64(now.Processes))
	taken.add(subject, metrics.Restarts, grown.restarts)
	if grown.seconds == 0 {
		return
	}
	for metric, amount := range map[metrics.Metric]float64{
		metrics.CPU: 100 * grown.cpuSeconds, metrics.NetworkIn: grown.networkIn, metrics.NetworkOut: grown.networkOut,
		metrics.BlockRead: grown.blockRead, metrics.BlockWritten: grown.blockWritten,
	} {
		taken.add(subject, metric, amount/grown.seconds)
	}
}

func (c *Collector) addUsage(subject metrics.Subject, grown growth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	totals := &c.state(subject).Totals
	totals.CPUSeconds += grown.cpuSeconds
	totals.NetworkIn += grown.networkIn
	totals.NetworkOut += grown.networkOut
	totals.BlockRead += grown.blockRead
	totals.BlockWritten += grown.blockWritten
	totals.Restarts += grown.restarts
}
