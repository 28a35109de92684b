package metrics

import (
	"math"
	"reflect"
	"testing"
)

func TestPoint_ComesBackFromItsBytes(t *testing.T) {
	t.Parallel()
	point := PointOf(Values{Memory: 524288, CPU: 0, Requests: 7})
	point.Add(PointOf(Values{Memory: 3, CPU: 99999, LatencyP99: 1}))
	back, err := Unpack(point.Pack())
	if err != nil || !reflect.DeepEqual(back, point) {
		t.Errorf("%v, and it was %v (%v)", back, point, err)
	}
	if got := back[Memory]; got != (Sum{N: 2, Sum: 524291, Min: 3, Max: 524288}) {
		t.Errorf("memory is %+v", got)
	}
}

func TestUnpack_RefusesBrokenBytesAndSkipsLaterMetrics(t *testing.T) {
	t.Parallel()
	whole := PointOf(Values{Memory: 524288}).Pack()
	for cut := 1; cut < len(whole); cut++ {
		if _, err := Unpack(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes are taken", cut, len(whole))
		}
	}
	if _, err := Unpack([]byte{1, 0, 0, 0, 0}); err == nil {
		t.Error("a sum of no readings is taken")
	}
	if point, err := Unpack([]byte{250, 1, 2, 0, 0}); err != nil || len(point) != 0 {
		t.Errorf("a later metric gives %v, %v", point, err)
	}
}

func FuzzUnpack_PacksWhatItReads(f *testing.F) {
	f.Add(PointOf(Values{Memory: 1, CPU: 2}).Pack())
	f.Fuzz(func(t *testing.T, packed []byte) {
		point, err := Unpack(packed)
		if err != nil {
			return
		}
		if len(point) > int(last) {
			t.Errorf("%d metrics", len(point))
		}
	})
}

func TestBaseline_BeginsAnewWhereACounterWentBackwards(t *testing.T) {
	t.Parallel()
	var baseline Baseline[string]
	for _, step := range []struct {
		value, grown float64
		ok           bool
	}{{100, 0, false}, {130, 30, true}, {5, 0, false}, {6, 1, true}, {6, 0, true}} {
		baseline.Begin()
		if grown, ok := baseline.Since("cpu", step.value); grown != step.grown || ok != step.ok {
			t.Errorf("at %v it grew by %v, %t", step.value, grown, ok)
		}
	}
	baseline.Begin() // without it
	baseline.Begin()
	if _, ok := baseline.Since("cpu", 7); ok {
		t.Error("a counter that was gone for a round has its old baseline")
	}
}

func TestBaseline_CountsAllOfACounterThatWasBorn(t *testing.T) {
	t.Parallel()
	var baseline Baseline[string]
	baseline.Begin()
	if _, ok := baseline.Born("requests", 1000); ok {
		t.Error("what came before Berth's start counts as new")
	}
	baseline.Begin()
	if grown, ok := baseline.Born("errors", 3); !ok || grown != 3 {
		t.Errorf("the first errors of an app are %v, %t", grown, ok)
	}
}

func TestLatencies_GiveQuantiles(t *testing.T) {
	t.Parallel()
	latencies := Latencies{0.1: 50, 0.2: 90, 1: 100, math.Inf(1): 100}
	for q, want := range map[float64]float64{0.5: 0.1, 0.25: 0.05, 0.9: 0.2, 0.95: 0.6} {
		if got, ok := latencies.Quantile(q); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("p%v is %v, want %v", 100*q, got, want)
		}
	}
	slow := Latencies{0.1: 0, 1: 0, math.Inf(1): 4}
	if got, ok := slow.Quantile(0.5); !ok || got != 1 {
		t.Errorf("beyond all bounds it is %v", got)
	}
	if _, ok := (Latencies{0.1: 0, math.Inf(1): 0}).Quantile(0.5); ok {
		t.Error("no request has a latency")
	}
}

func TestMetric_StoresWhatItShows(t *testing.T) {
	t.Parallel()
	for metric, value := range map[Metric]float64{Memory: 512 << 20, CPU: 49.875, LatencyP95: 0.0025, Requests: 3, Load: 1.25} {
		if got := metric.Value(float64(metric.Stored(value))); got != value {
			t.Errorf("metric %d shows %v for %v", metric, got, value)
		}
	}
	for _, wrong := range []float64{-1, math.NaN(), math.Inf(-1)} {
		if got := CPU.Stored(wrong); got != 0 {
			t.Errorf("%v is stored as %d", wrong, got)
		}
	}
}

func TestTiers_AreMultiplesOfTheOneBefore(t *testing.T) {
	t.Parallel()
	tiers := Tiers()
	for i := 1; i < len(tiers); i++ {
		if tiers[i].Width%tiers[i-1].Width != 0 || tiers[i].Width > tiers[i-1].Keep {
			t.Errorf("tier %d cannot be added up from the one before", i)
		}
	}
	for _, r := range Ranges() {
		if points := r.Long / r.Tier.Width; r.Long > r.Tier.Keep || points > 1440 {
			t.Errorf("%s reads %d points", r.Name, points)
		}
	}
}
