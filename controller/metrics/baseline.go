package metrics

// Baseline turns counters, which only grow, into what came since the reading before. A
// counter that is seen for the first time, or that went backwards, is a new baseline: what
// counted it has been started again. The zero value is ready; it is not safe for concurrent use.
type Baseline[K comparable] struct {
	before, now map[K]float64
	growing     bool // before has had a whole round
}

// Begin begins a round of readings. Counters that the round before did not have are forgotten.
func (b *Baseline[K]) Begin() {
	b.growing = b.now != nil
	b.before, b.now = b.now, make(map[K]float64, len(b.now))
}

// Since returns how much the counter grew since the round before; false for a new baseline.
func (b *Baseline[K]) Since(counter K, value float64) (grown float64, ok bool) {
	b.now[counter] = value
	before, known := b.before[counter]
	if !known || value < before {
		return 0, false
	}
	return value - before, true
}

// Born is Since for a counter that begins at zero when it is first needed: where there was
// a round before, all that a new one shows came since then.
func (b *Baseline[K]) Born(counter K, value float64) (grown float64, ok bool) {
	if _, known := b.before[counter]; !known && b.growing {
		b.now[counter] = value
		return value, true
	}
	return b.Since(counter, value)
}
