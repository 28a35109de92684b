package usage

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

// world is a ledger with apps that run, and an engine that counts how often it measures.
type world struct {
	mu       sync.Mutex
	apps     []app.App
	latest   map[app.Name]*app.Release
	measured map[string]int
	used     docker.Usage
}

func (w *world) ListOverview(context.Context) ([]app.App, map[app.Name]*app.Release, error) {
	return w.apps, w.latest, nil
}

func (w *world) FindRelease(context.Context, app.ReleaseID) (app.Release, error) {
	return app.Release{}, problem.ErrNotFound
}

func (w *world) Usage(_ context.Context, name string, _ docker.Usage) (docker.Usage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measured[name]++
	return w.used, nil
}

// run makes the release of that number the live one of the app.
func (w *world) run(name app.Name, number int64) {
	if w.latest[name] == nil {
		w.apps = append(w.apps, app.App{Name: name, Wanted: app.WantedRunning})
	}
	for i := range w.apps {
		if w.apps[i].Name == name {
			w.apps[i].Live = number
		}
	}
	w.latest[name] = &app.Release{ReleaseID: app.ReleaseID{App: name, Number: number}, Instances: []string{fmt.Sprintf("%s-r%d", name, number)}}
}

// minutes lets rounds of every 15 s pass, and returns how often each instance was measured.
func (w *world) minutes(t *testing.T, s *Sampler, from time.Time, count int) map[string]int {
	t.Helper()
	w.measured = make(map[string]int)
	for round := range count * 4 {
		s.sample(t.Context(), from.Add(time.Duration(round)*paceFine))
	}
	return w.measured
}

func quiet(names ...app.Name) (*world, *Sampler) {
	w := &world{latest: make(map[app.Name]*app.Release), measured: make(map[string]int)}
	for _, name := range names {
		w.run(name, 1)
	}
	return w, NewSampler(w, w, slog.New(slog.DiscardHandler), func(app.Name) {})
}

var start = time.Now().Add(24 * time.Hour) // nobody has looked by then

func TestSampler_MeasuresAQuietAppOnceAMinute(t *testing.T) {
	t.Parallel()
	w, sampler := quiet("shop", "blog")
	if measured := w.minutes(t, sampler, start, 10); measured["shop-r1"] != 10 || measured["blog-r1"] != 10 {
		t.Errorf("in 10 minutes: %v", measured)
	}
}

func TestSampler_MeasuresWhatChangedEachFifteenSecondsForAWhile(t *testing.T) {
	t.Parallel()
	w, sampler := quiet("shop", "blog")
	w.minutes(t, sampler, start, 1)
	w.run("shop", 2)
	w.run("new", 1)
	if measured := w.minutes(t, sampler, start.Add(time.Minute), 10); measured["shop-r2"] != 40 || measured["new-r1"] != 40 || measured["blog-r1"] != 10 {
		t.Errorf("in 10 minutes: %v", measured)
	}
	if measured := w.minutes(t, sampler, start.Add(20*time.Minute), 10); measured["shop-r2"] != 10 || measured["new-r1"] != 10 {
		t.Errorf("in 10 minutes, long after the change: %v", measured)
	}
	w.used.Restarts = 1
	if measured := w.minutes(t, sampler, start.Add(40*time.Minute), 10); measured["shop-r2"] != 40 {
		t.Errorf("in 10 minutes after it was started again: %v", measured)
	}
}

func TestSampler_MeasuresWhatSomebodyLooksAt(t *testing.T) {
	t.Parallel()
	w, sampler := quiet("shop", "blog")
	now := time.Now()
	sampler.LookedAt("shop")
	for second := 0; second < 30; second += 5 {
		sampler.sample(t.Context(), now.Add(time.Duration(second)*time.Second))
	}
	if w.measured["shop-r1"] != 6 || w.measured["blog-r1"] != 1 {
		t.Errorf("in 30 seconds with one page open: %v", w.measured)
	}
	w, sampler = quiet("shop", "blog")
	sampler.LookedAtList()
	for second := 0; second < 30; second += 5 {
		sampler.sample(t.Context(), now.Add(time.Duration(second)*time.Second))
	}
	if w.measured["shop-r1"] != 2 || w.measured["blog-r1"] != 2 {
		t.Errorf("in 30 seconds with the list open: %v", w.measured)
	}
}

func TestSampler_RoundsEndBeforeTheMetricsAreTaken(t *testing.T) {
	t.Parallel()
	_, sampler := quiet("shop")
	minute := time.Now().Add(time.Hour).Truncate(time.Minute)
	for after, want := range map[time.Duration]time.Duration{0: 55, 54 * time.Second: 55, 55 * time.Second: 115} {
		if got := sampler.next(minute.Add(after)); !got.Equal(minute.Add(want * time.Second)) {
			t.Errorf("%s after the minute the next round of a quiet server is at %s", after, got.Sub(minute))
		}
	}
	sampler.apps["shop"] = known{changedAt: minute}
	for after, want := range map[time.Duration]time.Duration{0: 10, 9 * time.Second: 10, 10 * time.Second: 25, 24 * time.Second: 25} {
		if got := sampler.next(minute.Add(after)); !got.Equal(minute.Add(want * time.Second)) {
			t.Errorf("%s after the minute the next round is at %s", after, got.Sub(minute))
		}
	}
	sampler.LookedAt("shop")
	if got := time.Until(sampler.next(time.Now())); got > paceOpen {
		t.Errorf("while somebody looks the next round is in %s", got)
	}
}

func TestSampler_KeepsLoadBetweenTwoSamplesAndForgetsWhatStopped(t *testing.T) {
	t.Parallel()
	w, sampler := quiet("shop")
	w.used = docker.Usage{CPUNanos: 1e9, At: start, MemoryBytes: 1 << 20}
	sampler.sample(t.Context(), start)
	w.used = docker.Usage{CPUNanos: 4e9, At: start.Add(time.Minute), MemoryBytes: 2 << 20}
	sampler.sample(t.Context(), start.Add(time.Minute))
	used, ok := sampler.Of("shop")
	if all := sampler.All(); !ok || used.MemoryBytes != 2<<20 || used.CPUPercent != 5 || len(all) != 1 || all[0].Instance != "shop-r1" {
		t.Errorf("%+v, %+v", used, all)
	}
	w.apps[0].Wanted = app.WantedStopped
	sampler.sample(t.Context(), start.Add(2*time.Minute))
	if _, ok := sampler.Of("shop"); ok || len(sampler.All()) > 0 {
		t.Error("an app that was stopped is still known")
	}
}
