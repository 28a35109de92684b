package router

import (
	"context"
	"math"
	"time"

	"berth/controller/metrics"
	"berth/controller/metrics/history"
)

// fakeMetrics is what was measured.
type fakeMetrics struct {
	states []metrics.State
	recent map[string][]float64
	points map[metrics.Subject][]history.At
}

func (f *fakeMetrics) States() []metrics.State { return f.states }

func (f *fakeMetrics) Recent(app string) []float64 { return f.recent[app] }

func (f *fakeMetrics) Read(_ context.Context, subject metrics.Subject, r metrics.Range, now time.Time) ([]history.At, error) {
	var found []history.At
	for _, point := range f.points[subject] {
		if now.Sub(point.Time) <= r.Long {
			found = append(found, point)
		}
	}
	return found, nil
}

// measure gives an hour of a busy app, and of the server, up to now.
func (f *fakeMetrics) measure(app string) {
	f.points = make(map[metrics.Subject][]history.At)
	f.recent = map[string][]float64{app: nil}
	now := time.Now()
	for minute := range 58 {
		at, wave := now.Add(time.Duration(minute-58)*time.Minute), 1+math.Sin(float64(minute)/6)
		values := make(metrics.Values)
		for metric, value := range map[metrics.Metric]float64{
			metrics.CPU: 12 * wave, metrics.Memory: (80 + 60*wave) * (1 << 20), metrics.MemorySize: 512 << 20, metrics.Processes: 4,
			metrics.NetworkIn: 30_000 * wave, metrics.NetworkOut: 90_000 * wave, metrics.BlockRead: 0, metrics.BlockWritten: 4096 * wave,
			metrics.Requests: 400 * wave, metrics.Errors4xx: 20, metrics.Errors5xx: 3 * wave, metrics.LatencyP50: 0.012, metrics.LatencyP95: 0.08 * wave,
			metrics.LatencyP99: 0.2 * wave, metrics.BytesIn: 1e5, metrics.BytesOut: 1e6 * wave, metrics.Load: wave, metrics.DiskUsed: 40 << 30, metrics.DiskSize: 100 << 30,
		} {
			values.Set(metric, value)
		}
		if minute == 30 {
			values.Set(metrics.Restarts, 2)
		}
		f.points[metrics.App(app)] = append(f.points[metrics.App(app)], history.At{Time: at, Point: metrics.PointOf(values)})
		f.points[metrics.Server] = f.points[metrics.App(app)]
		f.recent[app] = append(f.recent[app], 12*wave)
	}
}
