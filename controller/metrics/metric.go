// Package metrics says what Berth measures of the server, its apps and their services, and
// how readings are added up over time.
package metrics

import (
	"slices"
	"strings"
)

// Metric is one thing that is measured. Its number is stored: a number is never used again.
type Metric uint8

// The metrics. A level is read at moments; a count is what came since the reading before.
const (
	Memory       Metric = 1  // level, KiB
	CPU          Metric = 2  // level, thousandths of a percent of one core
	NetworkIn    Metric = 3  // level, bytes a second
	NetworkOut   Metric = 4  // level, bytes a second
	BlockRead    Metric = 5  // level, bytes a second
	BlockWritten Metric = 6  // level, bytes a second
	Processes    Metric = 7  // level
	Restarts     Metric = 8  // count
	Requests     Metric = 9  // count, all classes
	Errors4xx    Metric = 10 // count
	Errors5xx    Metric = 11 // count
	LatencyP50   Metric = 12 // level, microseconds
	LatencyP95   Metric = 13 // level, microseconds
	LatencyP99   Metric = 14 // level, microseconds
	BytesIn      Metric = 15 // count, of requests
	BytesOut     Metric = 16 // count, of answers
	DiskUsed     Metric = 17 // level, KiB
	DiskSize     Metric = 18 // level, KiB
	Load         Metric = 19 // level, thousandths
	Queue        Metric = 20 // level, releases that wait or are under way
	BuildTime    Metric = 21 // level, milliseconds from the start to the end of a release
	MemorySize   Metric = 22 // level, KiB
)

const last = MemorySize

// kinds are what the stored number of each metric is, and how many of it make one unit for people.
var kinds = [last + 1]struct {
	count bool
	scale float64
}{
	Memory: {scale: 1.0 / 1024}, CPU: {scale: 1000}, Load: {scale: 1000},
	LatencyP50: {scale: 1e6}, LatencyP95: {scale: 1e6}, LatencyP99: {scale: 1e6},
	BuildTime: {scale: 1000}, DiskUsed: {scale: 1.0 / 1024}, DiskSize: {scale: 1.0 / 1024}, MemorySize: {scale: 1.0 / 1024},
	Restarts: {count: true}, Requests: {count: true}, Errors4xx: {count: true}, Errors5xx: {count: true},
	BytesIn: {count: true}, BytesOut: {count: true},
}

// Counts reports whether the readings of the metric are counts, whose sum says more than their mean.
func (m Metric) Counts() bool { return m.known() && kinds[m].count }

// Stored is a value in base units (bytes, percent, seconds, numbers) as it is stored. A value
// below zero is none, and stored as zero.
func (m Metric) Stored(value float64) int64 {
	const most = 1 << 53
	scaled := value * m.scale()
	if !(scaled > 0) { // NaN too
		return 0
	}
	return int64(min(scaled, most) + 0.5)
}

// Value is a stored number in base units.
func (m Metric) Value(stored float64) float64 { return stored / m.scale() }

func (m Metric) known() bool { return m >= 1 && m <= last }

func (m Metric) scale() float64 {
	if !m.known() || kinds[m].scale == 0 {
		return 1
	}
	return kinds[m].scale
}

// Subject is what is measured: the server, an app, or one service of an app.
type Subject string

// Server is the machine below Berth.
const Server Subject = "server"

// App is all of an app.
func App(name string) Subject { return Subject("app/" + name) }

// Service is one service of an app that has several.
func Service(app, service string) Subject { return Subject("app/" + app + "/" + service) }

// Of is the subject with another word for its app.
func (s Subject) Of(word func(app string) string) Subject {
	of, ok := strings.CutPrefix(string(s), "app/")
	if !ok {
		return s
	}
	app, service, several := strings.Cut(of, "/")
	if !several {
		return App(word(app))
	}
	return Service(word(app), service)
}

// Values are readings of one moment, as Metric.Stored makes them.
type Values map[Metric]int64

// Set stores a value that is in base units.
func (v Values) Set(metric Metric, value float64) { v[metric] = metric.Stored(value) }

// Reading is what was measured of one subject at one moment.
type Reading struct {
	Subject Subject
	Values  Values
}

// sorted returns the metrics of a map in their order, so that equal points are equal bytes.
func sorted[T any](of map[Metric]T) []Metric {
	metrics := make([]Metric, 0, len(of))
	for metric := range of {
		metrics = append(metrics, metric)
	}
	slices.Sort(metrics)
	return metrics
}
