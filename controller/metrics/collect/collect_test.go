package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/metrics"
	"berth/controller/problem"
	"berth/controller/usage"
	"berth/controller/volume"
	"berth/traefik"
)

// world is what the collector takes its readings from.
type world struct {
	samples  []usage.Measured
	counters map[string]float64 // by ID: of app "shop"
	silent   bool               // the proxy does not answer
	underWay []app.Release
	ended    map[app.ReleaseID]app.Release
	apps     []app.App
}

func (w *world) All() []usage.Measured { return w.samples }

func (w *world) Counters(_ context.Context, each func(traefik.Counter, float64)) error {
	if w.silent {
		return errors.New("no proxy")
	}
	codes := map[string]int{"ok": 200, "gone": 404, "broken": 502}
	for id, value := range w.counters {
		counter := traefik.Counter{Kind: traefik.CountRequests, ID: id, App: "shop", Code: codes[id]}
		if codes[id] == 0 {
			counter.Kind, counter.Most = traefik.CountDuration, 0.1
		}
		each(counter, value)
	}
	return nil
}

func (w *world) ListUnderWay(context.Context) ([]app.Release, error) { return w.underWay, nil }

func (w *world) Counted(name volume.Name) (int64, bool) { return 3 << 20, name != "unknown" }

func (w *world) FindRelease(_ context.Context, id app.ReleaseID) (app.Release, error) {
	release, ok := w.ended[id]
	if !ok {
		return app.Release{}, problem.ErrNotFound
	}
	return release, nil
}

func (w *world) ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) {
	return w.apps, nil, nil
}

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func openTest(t *testing.T, w *world) *Collector {
	t.Helper()
	folder := t.TempDir()
	c := New(Options{
		File: filepath.Join(folder, "metrics.db"), Usage: w, Proxy: w, Ledger: w, Disks: w, Folder: folder, Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(c.close)
	c.ensureOpen(t.Context(), start)
	return c
}

// newest is the newest point of a subject after a round at a moment of its own.
func (c *Collector) newest(t *testing.T, at time.Time, subject metrics.Subject) metrics.Point {
	t.Helper()
	c.round(t.Context(), at)
	points, err := c.Read(t.Context(), subject, metrics.RangeNamed("hour"), at)
	if err != nil || len(points) == 0 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	return points[len(points)-1].Point
}

func sampleOf(service string, at time.Time, used docker.Usage) usage.Measured {
	used.At = at
	return usage.Measured{App: "shop", Service: service, Instance: "berth-shop-r1-" + service, Usage: used}
}

func TestCollector_AddsTheServicesOfAnAppUp(t *testing.T) {
	t.Parallel()
	w := &world{samples: []usage.Measured{
		sampleOf("web", start, docker.Usage{MemoryBytes: 1 << 20, CPUNanos: 1e9, NetworkOut: 500}),
		sampleOf("db", start, docker.Usage{MemoryBytes: 3 << 20, CPUNanos: 1e9}),
	}}
	collector := openTest(t, w)
	if point := collector.newest(t, start, metrics.App("shop")); point[metrics.CPU].N != 0 || point[metrics.Memory].Sum != 4<<10 {
		t.Errorf("the first sample tells a load already: %v", point)
	}
	later := start.Add(15 * time.Second)
	w.samples = []usage.Measured{
		sampleOf("web", later, docker.Usage{MemoryBytes: 1 << 20, CPUNanos: 4e9, NetworkOut: 15_500, Restarts: 2}),
		sampleOf("db", later, docker.Usage{MemoryBytes: 3 << 20, CPUNanos: 1e9}),
	}
	point := collector.newest(t, later, metrics.App("shop"))
	if got := metrics.CPU.Value(point[metrics.CPU].Mean()); got != 20 || point[metrics.NetworkOut].Sum != 1000 || point[metrics.Restarts].Sum != 2 {
		t.Errorf("CPU is %v%%, and all is %v", got, point)
	}
	services, err := collector.Read(t.Context(), metrics.Service("shop", "db"), metrics.RangeNamed("hour"), later)
	if err != nil || len(services) != 2 || services[1].Point[metrics.Memory].Sum != 3<<10 {
		t.Errorf("the database has %v, %v", services, err)
	}
}

func TestCollector_TakesACounterThatWentBackwardsForANewBaseline(t *testing.T) {
	t.Parallel()
	w := &world{}
	collector := openTest(t, w)
	for i, cpu := range []uint64{9e9, 1e9, 2.5e9} {
		at := start.Add(time.Duration(i) * 15 * time.Second)
		w.samples = []usage.Measured{sampleOf("", at, docker.Usage{CPUNanos: cpu, Processes: 2})}
		point := collector.newest(t, at, metrics.App("shop"))
		if got := point[metrics.CPU]; (got.N == 1) != (i == 2) || i == 2 && metrics.CPU.Value(got.Mean()) != 10 {
			t.Errorf("round %d: %+v", i, got)
		}
	}
}

func TestCollector_CountsASampleOnce(t *testing.T) {
	t.Parallel()
	w := &world{samples: []usage.Measured{sampleOf("", start, docker.Usage{MemoryBytes: 1 << 20})}}
	collector := openTest(t, w)
	for i := range 3 {
		collector.round(t.Context(), start.Add(time.Duration(i)*15*time.Second))
	}
	points, err := collector.Read(t.Context(), metrics.App("shop"), metrics.RangeNamed("hour"), start.Add(time.Minute))
	if err != nil || len(points) != 1 || points[0].Point[metrics.Memory].N != 1 {
		t.Errorf("one sample is kept as %v, %v", points, err)
	}
}

func TestCollector_CountsRequestsByClassAndWhatCameBeforeItsStartNot(t *testing.T) {
	t.Parallel()
	w := &world{counters: map[string]float64{"ok": 1000, "within": 1000}}
	collector := openTest(t, w)
	if point := collector.newest(t, start, metrics.App("shop")); point[metrics.Requests].Sum != 0 {
		t.Errorf("requests before the start count: %v", point)
	}
	w.counters = map[string]float64{"ok": 1010, "gone": 3, "broken": 2, "within": 1015}
	point := collector.newest(t, start.Add(15*time.Second), metrics.App("shop"))
	if point[metrics.Requests].Sum != 15 || point[metrics.Errors4xx].Sum != 3 || point[metrics.Errors5xx].Sum != 2 || point[metrics.LatencyP50].Sum != 50_000 {
		t.Errorf("the second round is %v", point)
	}
	w.silent = true
	if point := collector.newest(t, start.Add(30*time.Second), metrics.Server); point[metrics.Requests].N != 0 {
		t.Errorf("a proxy that does not answer has no requests: %v", point)
	}
	w.silent, w.counters = false, map[string]float64{"ok": 4}
	if point := collector.newest(t, start.Add(45*time.Second), metrics.App("shop")); point[metrics.Requests].Sum != 0 {
		t.Errorf("a proxy that was started again gives %v", point)
	}
	if states := collector.States(); len(states) != 2 || states[1].Totals.Requests != [6]float64{0, 0, 10, 0, 3, 2} {
		t.Errorf("totals: %+v", states)
	}
}

func TestCollector_TellsTheQueueAndHowLongAReleaseTook(t *testing.T) {
	t.Parallel()
	id := app.ReleaseID{App: "shop", Number: 3}
	w := &world{underWay: []app.Release{{ReleaseID: id, CreatedAt: start}}}
	collector := openTest(t, w)
	if point := collector.newest(t, start, metrics.Server); point[metrics.Queue].Sum != 1 {
		t.Errorf("the queue is %v", point[metrics.Queue])
	}
	w.underWay, w.ended = nil, map[app.ReleaseID]app.Release{id: {ReleaseID: id, CreatedAt: start, FinishedAt: start.Add(8 * time.Second)}}
	if point := collector.newest(t, start.Add(15*time.Second), metrics.App("shop")); point[metrics.BuildTime].Sum != 8000 {
		t.Errorf("the release took %v", point)
	}
}

func TestCollector_AddsTheVolumesOfAnAppUpOnce(t *testing.T) {
	t.Parallel()
	w := &world{apps: []app.App{{Name: "shop", Mounts: []app.Mount{
		{Volume: "data", Target: "/a"}, {Volume: "data", Target: "/b"}, {Volume: "more", Target: "/c"}, {Volume: "unknown", Target: "/d"},
	}}}}
	point := openTest(t, w).newest(t, start, metrics.App("shop"))
	if got := point[metrics.DiskUsed]; got.Sum != 6<<10 || got.N != 1 {
		t.Errorf("the volumes are %+v", got)
	}
}

func TestCollector_ForgetsAppsThatAreGone(t *testing.T) {
	t.Parallel()
	w := &world{samples: []usage.Measured{sampleOf("web", start, docker.Usage{MemoryBytes: 1 << 20})}}
	collector := openTest(t, w)
	collector.round(t.Context(), start)
	collector.sweep(t.Context(), start)
	collector.sweep(t.Context(), start)
	if points, err := collector.Read(t.Context(), metrics.App("shop"), metrics.RangeNamed("hour"), start); err != nil || len(points) != 0 {
		t.Errorf("%d points of an app that is gone, %v", len(points), err)
	}
	if states := collector.States(); len(states) != 1 || states[0].App != "" {
		t.Errorf("states: %+v", states)
	}
}

func TestMachine_ReadsWhatTheKernelTells(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("meminfo", "MemTotal:        2048 kB\nMemFree:  1 kB\nMemAvailable:    512 kB\n")
	write("loadavg", "1.25 0.80 0.60 2/300 4711\n")
	write("stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0\ncpu1 50 0 50 400 0\nintr 5\n")
	m := machine{proc: proc, folder: proc}
	values := make(metrics.Values)
	m.take(values)
	if values[metrics.Memory] != 1536 || values[metrics.MemorySize] != 2048 || values[metrics.Load] != 1250 || values[metrics.DiskSize] == 0 {
		t.Errorf("values: %v", values)
	}
	if _, told := values[metrics.CPU]; told {
		t.Error("one reading tells a load already")
	}
	write("stat", "cpu  130 0 120 950 0 0 0 0 0 0\ncpu0 50 0 50 400 0\ncpu1 50 0 50 400 0\n")
	m.take(values)
	if got := metrics.CPU.Value(float64(values[metrics.CPU])); got != 50 {
		t.Errorf("two cores are %v%% busy, and 25%% of each is right", got)
	}
	broken := machine{proc: t.TempDir(), folder: "/nowhere"}
	if broken.take(values); len(values) == 0 {
		t.Error("values are gone")
	}
}

func TestRing_KeepsAnHour(t *testing.T) {
	t.Parallel()
	r := new(ring)
	for minute := range 90 {
		r.add(start.Add(time.Duration(minute)*time.Minute), float64(minute))
	}
	values := r.list(start.Add(90 * time.Minute))
	if len(values) != ringLength || values[0] != 31 || values[58] != 89 || values[59] != -1 {
		t.Errorf("ring: %v", values)
	}
}

// BenchmarkCollector_RoundOfAHundredApps is what a round costs, of which there are four a minute:
// half a percent of a core is 75 ms.
func BenchmarkCollector_RoundOfAHundredApps(b *testing.B) {
	w := &world{counters: make(map[string]float64)}
	for n := range 100 * 14 * 4 {
		w.counters[fmt.Sprintf("counter-%d", n)] = float64(n)
	}
	folder := b.TempDir()
	c := New(Options{
		File: filepath.Join(folder, "metrics.db"), Usage: w, Proxy: w, Ledger: w, Disks: w, Folder: folder, Logger: slog.New(slog.DiscardHandler),
	})
	defer c.close()
	c.ensureOpen(b.Context(), start)
	at := start
	for b.Loop() {
		at = at.Add(15 * time.Second)
		w.samples = nil
		for n := range 100 {
			sample := sampleOf("", at, docker.Usage{MemoryBytes: 1 << 28, CPUNanos: uint64(at.UnixNano()), NetworkIn: 5, Processes: 9})
			sample.App, sample.Instance = app.Name(fmt.Sprintf("app-%d", n)), fmt.Sprintf("app-%d-r1", n)
			w.samples = append(w.samples, sample)
		}
		c.round(b.Context(), at)
	}
}
