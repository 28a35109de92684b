package metrics

import "slices"

// Latencies are how many requests took at most so many seconds: the key is the upper
// bound of a bucket, and each bucket includes the ones below it, as Prometheus counts.
type Latencies map[float64]float64

// Quantile returns the seconds within which the share q of the requests was answered,
// on a straight line through the bucket that holds it. Beyond the last finite bound it is
// that bound. It returns false without a request.
func (l Latencies) Quantile(q float64) (seconds float64, ok bool) {
	bounds := make([]float64, 0, len(l))
	for bound := range l {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	if len(bounds) == 0 || l[bounds[len(bounds)-1]] <= 0 {
		return 0, false
	}
	wanted := q * l[bounds[len(bounds)-1]]
	below, counted := 0.0, 0.0
	for i, bound := range bounds {
		if i == len(bounds)-1 && i > 0 {
			return below, true
		}
		if inside := l[bound] - counted; l[bound] >= wanted && inside > 0 {
			return below + (bound-below)*(wanted-counted)/inside, true
		}
		below, counted = bound, max(counted, l[bound])
	}
	return below, true
}
