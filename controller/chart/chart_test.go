package chart

import (
	"math"
	"strings"
	"testing"
	"time"

	"berth/controller/metrics"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestChart_DrawsLinesWithGapsMarksAndATable(t *testing.T) {
	t.Parallel()
	c := New(Options{
		Title: "CPU", Unit: Percent, From: start, To: start.Add(time.Hour),
		Lines: []Line{{Name: "CPU", Values: []float64{10, 20, math.NaN(), 37}}, {Name: "limit", Limit: true, Values: []float64{50, 50, 50, 50}}},
		Marks: []Mark{{At: start.Add(30 * time.Minute), Title: "r4 is live"}, {At: start.Add(-time.Minute), Title: "before"}},
	})
	if got := c.Lines[0].Path; got != "M125.0 80.0L375.0 60.0M750.0 26.0h250.0" {
		t.Errorf("the line is %s", got)
	}
	if len(c.Marks) != 1 || c.Marks[0].Percent != "50.00%" {
		t.Errorf("marks: %+v", c.Marks)
	}
	if c.YTicks[2].Text != "50 %" || c.YTicks[0].Percent != "100.00%" || c.XTicks[4].Text != "13:00" {
		t.Errorf("ticks: %+v, %+v", c.YTicks, c.XTicks)
	}
	if len(c.Slices) != 3 || c.Slices[2].Title != "1 Mar 12:45: CPU 37 %" {
		t.Errorf("slices: %+v", c.Slices)
	}
	if len(c.Rows) != 3 || c.Rows[0].Cells[0] != "37 %" || c.Rows[0].Cells[1] != "50 %" {
		t.Errorf("rows: %+v", c.Rows)
	}
	if c.Empty || c.Summary != "CPU: CPU 37 %, at most 37 %" {
		t.Errorf("summary: %s", c.Summary)
	}
}

func TestChart_IsEmptyWhereNothingWasMeasured(t *testing.T) {
	t.Parallel()
	c := New(Options{
		Title: "Memory", Unit: Bytes, From: start, To: start.Add(time.Hour),
		Lines: []Line{{Name: "used", Values: []float64{math.NaN()}}, {Name: "limit", Limit: true, Values: []float64{1 << 29}}},
	})
	if !c.Empty || len(c.Slices) != 0 || len(c.Rows) != 0 || !strings.Contains(c.Summary, "nothing") {
		t.Errorf("chart: %+v", c)
	}
}

func TestUnit_EndsItsAxisAtARoundNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit  Unit
		most  float64
		words string
	}{
		{Percent, 37, "40 %"},
		{Percent, 100, "100 %"},
		{Bytes, 300 << 20, "300 MB"},
		{Bytes, 512 << 20, "600 MB"},
		{Seconds, 0.034, "40 ms"},
		{EachSecond, 0, "1/s"},
		{Number, 3, "3"},
		{BytesEachSecond, 0, "1 kB/s"},
		{Seconds, 2.1, "2.40 s"},
	} {
		if got := c.unit.Words(c.unit.top(c.most)); got != c.words {
			t.Errorf("the axis of %v ends at %s, want %s", c.most, got, c.words)
		}
	}
}

func TestBins_AddPointsUp(t *testing.T) {
	t.Parallel()
	bins := NewBins(start, start.Add(4*time.Minute), 4)
	for second, requests := range map[int]int64{0: 10, 30: 50, 130: 6} {
		bins.Add(start.Add(time.Duration(second)*time.Second), metrics.PointOf(metrics.Values{metrics.Requests: requests, metrics.CPU: requests * 1000}))
	}
	bins.Add(start.Add(-time.Second), metrics.PointOf(metrics.Values{metrics.Requests: 1000}))
	bins.Add(start.Add(time.Hour), metrics.PointOf(metrics.Values{metrics.Requests: 1000}))
	if got := bins.Rate(metrics.Requests); got[0] != 1 || got[1] != 0.55 || got[2] != 0.1 || known(got[3]) {
		t.Errorf("rates: %v", got)
	}
	if got := bins.Mean(metrics.CPU); got[0] != 30 || bins.Most(metrics.CPU)[0] != 50 {
		t.Errorf("means: %v", got)
	}
	counted := 0
	bins.Counted(metrics.Requests, func(at time.Time, count int64) {
		if counted++; count == 6 && !at.Equal(start.Add(2*time.Minute)) {
			t.Errorf("%d at %s", count, at)
		}
	})
	if counted != 2 {
		t.Errorf("%d parts counted", counted)
	}
}

func TestSpark_IsEmptyWithoutTwoValues(t *testing.T) {
	t.Parallel()
	if spark := NewSpark("CPU", Percent, []float64{-1, 3, -1}); spark.Path != "" {
		t.Errorf("spark: %+v", spark)
	}
	if spark := NewSpark("CPU", Percent, []float64{1, 4, -1}); spark.Path == "" || spark.Summary != "CPU in the last hour: newest 4 %, at most 4 %" {
		t.Errorf("spark: %+v", spark)
	}
}
