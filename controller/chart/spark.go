package chart

// Spark is a small line without axes.
type Spark struct {
	Path    string
	Summary string
}

// NewSpark draws the values, of which those below zero are gaps. It is empty without two values.
func NewSpark(name string, unit Unit, values []float64) Spark {
	most, last, count := 0.0, 0.0, 0
	drawn := make([]float64, len(values))
	for i, value := range values {
		drawn[i] = value
		if value < 0 {
			drawn[i] = gap
			continue
		}
		most, last = max(most, value), value
		count++
	}
	if count < 2 {
		return Spark{}
	}
	return Spark{
		Path:    path(drawn, unit.top(most)),
		Summary: name + " in the last hour: newest " + unit.Words(last) + ", at most " + unit.Words(most),
	}
}
