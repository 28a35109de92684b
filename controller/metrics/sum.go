package metrics

import (
	"encoding/binary"
	"errors"
)

// Sum is what the readings of one metric in one span of time come to.
type Sum struct {
	N   int64 // readings
	Sum int64
	Min int64
	Max int64
}

// Mean is the mean of the readings; 0 without any.
func (s Sum) Mean() float64 {
	if s.N == 0 {
		return 0
	}
	return float64(s.Sum) / float64(s.N)
}

func (s Sum) plus(other Sum) Sum {
	switch {
	case s.N == 0:
		return other
	case other.N == 0:
		return s
	}
	return Sum{N: s.N + other.N, Sum: s.Sum + other.Sum, Min: min(s.Min, other.Min), Max: max(s.Max, other.Max)}
}

// Point is what the readings of one subject in one span of time come to.
type Point map[Metric]Sum

// PointOf is the Point of one reading.
func PointOf(values Values) Point {
	point := make(Point, len(values))
	for metric, value := range values {
		point[metric] = Sum{N: 1, Sum: value, Min: value, Max: value}
	}
	return point
}

// Add adds the sums of another span.
func (p Point) Add(other Point) {
	for metric, sum := range other {
		p[metric] = p[metric].plus(sum)
	}
}

// most is the most metrics of a packed point, so that broken bytes cost nothing.
const most = 64

// errPacked says that bytes are not those of Pack.
var errPacked = errors.New("the bytes are no point")

// Pack writes the point in few bytes: for each metric its number, N, the sum, and how far
// the least and the largest reading are from the mean. A hundred apps fill a file with them.
func (p Point) Pack() []byte {
	packed := make([]byte, 0, 8*len(p))
	for _, metric := range sorted(p) {
		sum := p[metric]
		if sum.N <= 0 {
			continue
		}
		mean := sum.Sum / sum.N
		packed = append(packed, byte(metric))
		for _, number := range []int64{sum.N, sum.Sum, mean - sum.Min, sum.Max - mean} {
			packed = binary.AppendUvarint(packed, uint64(max(0, number)))
		}
	}
	return packed
}

// Unpack reads what Pack wrote. Metrics that it does not know are left out: a later Berth
// may have written them.
func Unpack(packed []byte) (Point, error) {
	point := make(Point, len(packed)/6)
	for read := 0; len(packed) > 0; read++ {
		metric := Metric(packed[0])
		packed = packed[1:]
		var numbers [4]int64
		for i := range numbers {
			number, width := binary.Uvarint(packed)
			if width <= 0 || number > 1<<62 {
				return nil, errPacked
			}
			numbers[i], packed = int64(number), packed[width:]
		}
		if numbers[0] == 0 || read >= most {
			return nil, errPacked
		}
		if mean := numbers[1] / numbers[0]; metric.known() {
			point[metric] = Sum{N: numbers[0], Sum: numbers[1], Min: mean - numbers[2], Max: mean + numbers[3]}
		}
	}
	return point, nil
}
