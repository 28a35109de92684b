package router

import (
	"context"
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
