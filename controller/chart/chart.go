// Package chart finds where the lines, ticks and marks of a chart stand. Templates draw
// them as SVG: widths are shares of the whole, so that a chart fits every screen.
package chart

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	wide = 1000.0 // units of a path from left to right
	high = 100.0  // and from top to bottom
)

// Line is one line of a chart. It has a value for each bin; NaN is a gap.
type Line struct {
	Name   string
	Values []float64
	Limit  bool // what the others may reach; it is drawn faintly
}

// Mark is something that happened.
type Mark struct {
	At    time.Time
	Title string
	Path  string // of the page about it; may be empty
	Bad   bool
}

// Options say what a chart shows.
type Options struct {
	Title    string
	Unit     Unit
	From, To time.Time // the bins are equal parts of it
	Lines    []Line
	Marks    []Mark
}

// Chart is a chart, ready to be drawn.
type Chart struct {
	Title   string
	Summary string // in words
	Lines   []Drawn
	YTicks  []Tick
	XTicks  []Tick
	Marks   []DrawnMark
	Slices  []Slice // one for each bin with a value
	Rows    []Row   // the same as a table, in fewer bins
	Empty   bool
}

// Drawn is one line.
type Drawn struct {
	Name   string
	Number int // from 1; which of the colours
	Limit  bool
	Path   string // of SVG, in a box of 1000 by 100
}

// Tick is a place on an axis.
type Tick struct {
	Percent string // from the left, or from the top
	Anchor  string // of its text
	Text    string
}

// DrawnMark is a mark at its place.
type DrawnMark struct {
	Mark
	Percent string
}

// Slice is a part of the chart that tells its values.
type Slice struct {
	Percent, Width string
	Title          string
}

// Row is one row of the table.
type Row struct {
	At    time.Time
	Cells []string
}

// New makes a chart.
func New(o Options) Chart {
	c := Chart{Title: o.Title, Empty: true}
	most := 0.0
	for _, line := range o.Lines {
		for _, value := range line.Values {
			if known(value) {
				most = max(most, value)
				c.Empty = c.Empty && line.Limit
			}
		}
	}
	top := o.Unit.top(most)
	for i, line := range o.Lines {
		c.Lines = append(c.Lines, Drawn{Name: line.Name, Number: i + 1, Limit: line.Limit, Path: path(line.Values, top)})
	}
	for _, share := range []float64{0, 0.5, 1} {
		c.YTicks = append(c.YTicks, Tick{Percent: percent(1 - share), Text: o.Unit.Words(top * share)})
	}
	c.XTicks = o.timeTicks()
	for _, mark := range o.Marks {
		if at := o.place(mark.At); at >= 0 && at <= 1 {
			c.Marks = append(c.Marks, DrawnMark{Mark: mark, Percent: percent(at)})
		}
	}
	c.Slices, c.Rows, c.Summary = o.slices(), o.rows(), o.summary()
	return c
}

// Behind are the lines in the order in which they are drawn: the first is on top.
func (c Chart) Behind() []Drawn {
	behind := slices.Clone(c.Lines)
	slices.Reverse(behind)
	return behind
}

func known(value float64) bool { return !math.IsNaN(value) && !math.IsInf(value, 0) }

func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'f', 2, 64) + "%"
}

// path goes through the middle of each bin, and leaves out gaps. A value between two gaps
// is a short line, or it would not be seen.
func path(values []float64, top float64) string {
	var text strings.Builder
	step := wide / float64(max(1, len(values)))
	for i, value := range values {
		if !known(value) {
			continue
		}
		x, y := (float64(i)+0.5)*step, high-high*min(1, max(0, value/top))
		before := i > 0 && known(values[i-1])
		after := i+1 < len(values) && known(values[i+1])
		switch {
		case before:
			fmt.Fprintf(&text, "L%.1f %.1f", x, y)
		case after:
			fmt.Fprintf(&text, "M%.1f %.1f", x, y)
		default:
			fmt.Fprintf(&text, "M%.1f %.1fh%.1f", x-step/2, y, step)
		}
	}
	return text.String()
}

// place is where a moment stands, from 0 to 1.
func (o Options) place(at time.Time) float64 {
	return float64(at.Sub(o.From)) / float64(o.To.Sub(o.From))
}

func (o Options) timeTicks() []Tick {
	layout := "15:04"
	switch long := o.To.Sub(o.From); {
	case long > 20*24*time.Hour:
		layout = "2 Jan"
	case long > 2*24*time.Hour:
		layout = "Mon 2"
	}
	const parts = 4
	ticks := make([]Tick, 0, parts+1)
	for i := range parts + 1 {
		share, anchor := float64(i)/parts, "middle"
		switch i {
		case 0:
			anchor = "start"
		case parts:
			anchor = "end"
		}
		at := o.From.Add(time.Duration(share * float64(o.To.Sub(o.From))))
		ticks = append(ticks, Tick{Percent: percent(share), Anchor: anchor, Text: at.UTC().Format(layout)})
	}
	return ticks
}

func (o Options) bins() int {
	bins := 0
	for _, line := range o.Lines {
		bins = max(bins, len(line.Values))
	}
	return bins
}

func (o Options) begin(bin int) time.Time {
	return o.From.Add(o.To.Sub(o.From) * time.Duration(bin) / time.Duration(max(1, o.bins())))
}

func (o Options) slices() []Slice {
	var found []Slice
	bins := o.bins()
	for bin := range bins {
		var words []string
		for _, line := range o.Lines {
			if !line.Limit && bin < len(line.Values) && known(line.Values[bin]) {
				words = append(words, line.Name+" "+o.Unit.Words(line.Values[bin]))
			}
		}
		if len(words) == 0 {
			continue
		}
		share := 1 / float64(bins)
		found = append(found, Slice{
			Percent: percent(float64(bin) * share), Width: percent(share),
			Title: o.begin(bin).UTC().Format("2 Jan 15:04") + ": " + strings.Join(words, ", "),
		})
	}
	return found
}

const mostRows = 24

// rows take the mean of some bins each, so that a person can listen to them.
func (o Options) rows() []Row {
	var rows []Row
	step := (o.bins() + mostRows - 1) / mostRows
	for bin := 0; bin < o.bins(); bin += step {
		row, any := Row{At: o.begin(bin).UTC()}, false
		for _, line := range o.Lines {
			sum, count := 0.0, 0.0
			for _, value := range line.Values[min(bin, len(line.Values)):min(bin+step, len(line.Values))] {
				if known(value) {
					sum, count = sum+value, count+1
				}
			}
			if count == 0 {
				row.Cells = append(row.Cells, "–")
				continue
			}
			any = any || !line.Limit
			row.Cells = append(row.Cells, o.Unit.Words(sum/count))
		}
		if any {
			rows = append(rows, row)
		}
	}
	slices.Reverse(rows)
	return rows
}

// summary says the newest and the largest value of each line.
func (o Options) summary() string {
	var words []string
	for _, line := range o.Lines {
		most, last := math.Inf(-1), math.NaN()
		for _, value := range line.Values {
			if known(value) {
				most, last = max(most, value), value
			}
		}
		if known(last) && !line.Limit {
			words = append(words, fmt.Sprintf("%s %s, at most %s", line.Name, o.Unit.Words(last), o.Unit.Words(most)))
		}
	}
	if len(words) == 0 {
		return o.Title + ": nothing was measured"
	}
	return o.Title + ": " + strings.Join(words, "; ")
}
