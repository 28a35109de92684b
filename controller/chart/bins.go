package chart

import (
	"math"
	"time"

	"berth/controller/metrics"
)

var gap = math.NaN()

// Bins are equal parts of a time, with what was measured in each; nil where nothing was.
type Bins struct {
	From, To time.Time
	Points   []metrics.Point
}

// NewBins makes count empty parts of the time.
func NewBins(from, to time.Time, count int) Bins {
	return Bins{From: from, To: to, Points: make([]metrics.Point, count)}
}

// Add adds a point to the part in which it begins. One from another time is left out.
func (b Bins) Add(at time.Time, point metrics.Point) {
	place := int(float64(len(b.Points)) * float64(at.Sub(b.From)) / float64(b.To.Sub(b.From)))
	if at.Before(b.From) || place < 0 || place >= len(b.Points) {
		return
	}
	if b.Points[place] == nil {
		b.Points[place] = make(metrics.Point)
	}
	b.Points[place].Add(point)
}

// Mean is the mean of a metric in each part, in base units. A gap of one part between two
// others is filled: readings come now and then.
func (b Bins) Mean(metric metrics.Metric) []float64 {
	return b.values(metric, func(sum metrics.Sum) float64 { return metric.Value(sum.Mean()) })
}

// Most is the largest reading in each part.
func (b Bins) Most(metric metrics.Metric) []float64 {
	return b.values(metric, func(sum metrics.Sum) float64 { return metric.Value(float64(sum.Max)) })
}

// Rate is how many came in each second of a part, for metrics that count.
func (b Bins) Rate(metric metrics.Metric) []float64 {
	seconds := b.To.Sub(b.From).Seconds() / float64(max(1, len(b.Points)))
	return b.values(metric, func(sum metrics.Sum) float64 { return metric.Value(float64(sum.Sum)) / seconds })
}

// Counted are the parts in which a metric counted something, with how many.
func (b Bins) Counted(metric metrics.Metric, each func(at time.Time, count int64)) {
	for i, point := range b.Points {
		if sum := point[metric].Sum; sum > 0 {
			each(b.From.Add(b.To.Sub(b.From)*time.Duration(i)/time.Duration(len(b.Points))), sum)
		}
	}
}

func (b Bins) values(metric metrics.Metric, of func(metrics.Sum) float64) []float64 {
	values := make([]float64, len(b.Points))
	for i, point := range b.Points {
		values[i] = gap
		if sum := point[metric]; sum.N > 0 {
			values[i] = of(sum)
		}
	}
	for i := 1; i+1 < len(values); i++ {
		if !known(values[i]) && known(values[i-1]) && known(values[i+1]) {
			values[i] = (values[i-1] + values[i+1]) / 2
		}
	}
	return values
}
