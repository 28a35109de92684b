package history

import (
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berth/controller/metrics"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func openTest(t *testing.T) (*History, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "metrics.db")
	history, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = history.Close() })
	return history, path
}

func (h *History) mustAdd(t *testing.T, at time.Time, subject metrics.Subject, metric metrics.Metric, value int64) {
	t.Helper()
	if err := h.Add(t.Context(), at, []metrics.Reading{{Subject: subject, Values: metrics.Values{metric: value}}}); err != nil {
		t.Fatal(err)
	}
}

func (h *History) mustRead(t *testing.T, subject metrics.Subject, name string, now time.Time) []At {
	t.Helper()
	points, err := h.Read(t.Context(), subject, metrics.RangeNamed(name), now)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func TestHistory_AddsTiersUp(t *testing.T) {
	t.Parallel()
	history, _ := openTest(t)
	app := metrics.App("shop")
	for i := range int64(9) { // two minutes, and the first reading of the third
		history.mustAdd(t, start.Add(time.Duration(i)*15*time.Second), app, metrics.Requests, i)
	}
	now := start.Add(2 * time.Minute)
	if fine := history.mustRead(t, app, "hour", now); len(fine) != 9 || fine[8].Point[metrics.Requests].Sum != 8 {
		t.Errorf("the hour has %d points: %v", len(fine), fine)
	}
	minutes := history.mustRead(t, app, "day", now)
	if len(minutes) != 2 || minutes[1].Time != start.Add(time.Minute) {
		t.Fatalf("minutes: %v", minutes)
	}
	if got := minutes[1].Point[metrics.Requests]; got != (metrics.Sum{N: 4, Sum: 4 + 5 + 6 + 7, Min: 4, Max: 7}) {
		t.Errorf("the second minute is %+v", got)
	}
}

func TestHistory_AddsUpAfterARestartWhatAKilledBerthHadNot(t *testing.T) {
	t.Parallel()
	history, path := openTest(t)
	app := metrics.App("shop")
	history.mustAdd(t, start.Add(30*time.Second), app, metrics.Memory, 5)
	if err := history.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	later := start.Add(20 * time.Minute)
	again.mustAdd(t, later, app, metrics.Memory, 7)
	for name, want := range map[string]int{"hour": 2, "day": 1, "week": 1} {
		if got := again.mustRead(t, app, name, later); len(got) != want || got[0].Point[metrics.Memory].Sum != 5 {
			t.Errorf("%s has %v", name, got)
		}
	}
}

func TestHistory_SecondReadingOfASpanIsAdded(t *testing.T) {
	t.Parallel()
	history, _ := openTest(t)
	for _, value := range []int64{10, 30} {
		history.mustAdd(t, start, metrics.Server, metrics.CPU, value)
	}
	points := history.mustRead(t, metrics.Server, "hour", start)
	if len(points) != 1 || points[0].Point[metrics.CPU] != (metrics.Sum{N: 2, Sum: 40, Min: 10, Max: 30}) {
		t.Errorf("points: %v", points)
	}
}

func TestHistory_SweepsWhatIsOldAndForgetsSubjects(t *testing.T) {
	t.Parallel()
	history, _ := openTest(t)
	app := metrics.App("gone")
	history.mustAdd(t, start, app, metrics.CPU, 1)
	later := start.Add(400 * 24 * time.Hour)
	history.mustAdd(t, later, metrics.Server, metrics.CPU, 1)
	if err := history.Sweep(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if _, known := history.find(app); known {
		t.Error("a subject without a point is still known")
	}
	if len(history.mustRead(t, metrics.Server, "hour", later)) != 1 {
		t.Error("the sweep took what is new")
	}
	history.mustAdd(t, later, app, metrics.CPU, 1) // as if it were new
	if err := history.Forget(t.Context(), app); err != nil || len(history.mustRead(t, app, "hour", later)) != 0 {
		t.Errorf("an app that was deleted has a history: %v", err)
	}
}

func TestOpen_BeginsAnewWhereTheFileIsBroken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "metrics.db")
	if err := os.WriteFile(path, []byte("this is no database at all, however long one looks at it"), 0o644); err != nil {
		t.Fatal(err)
	}
	history, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	history.mustAdd(t, start, metrics.Server, metrics.CPU, 1)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is for others too: %v, %v", info.Mode(), err)
	}
}

func TestHistory_ADayOfAHundredAppsStaysSmallAndItsQueryReadsFewRows(t *testing.T) {
	t.Parallel()
	const (
		apps     = 25 // for a quarter of the time: the file is as long as it has rows
		mostSize = 50 << 20 * apps / 100
	)
	history, path := openTest(t)
	now := fillDay(t, history, apps)
	if err := history.Sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	pages, err := history.pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if size := pages * pageSize; size > mostSize {
		t.Errorf("a day of %d apps takes %d bytes, at most %d are right", apps, size, mostSize)
	} else {
		t.Logf("a day of %d apps takes %.1f MB (%s)", apps, float64(size)/(1<<20), path)
	}
	points := history.mustRead(t, metrics.App("app-7"), "day", now)
	if most := 24*60 + 1; len(points) > most || len(points) < most-2 {
		t.Errorf("a day is %d rows", len(points))
	}
	var detail string
	plan := history.reader.QueryRowContext(t.Context(),
		`EXPLAIN QUERY PLAN SELECT bucket, packed FROM points WHERE tier = 1 AND subject = 2 AND bucket >= 3 AND bucket < 4 ORDER BY bucket`)
	if err := plan.Scan(new(int), new(int), new(int), &detail); err != nil || detail != "SEARCH points USING PRIMARY KEY (tier=? AND subject=? AND bucket>? AND bucket<?)" {
		t.Errorf("the query reads other rows than it returns: %s (%v)", detail, err)
	}
}

// fillDay keeps a day of every metric that an app has, with figures as wide as they get and in
// the order in which they come, as Add would have kept them. It does not ask Add, which would
// take half a minute.
func fillDay(t *testing.T, history *History, apps int) time.Time {
	t.Helper()
	ids := make(map[metrics.Subject]int64)
	random := rand.New(rand.NewPCG(1, 2))
	now := start.Add(24 * time.Hour)
	for hour := start; hour.Before(now); hour = hour.Add(time.Hour) {
		err := history.writer.Transact(t.Context(), func(tx *sql.Tx) error {
			for _, tier := range metrics.Tiers()[:3] {
				if tier.Keep < now.Sub(hour) {
					continue
				}
				for bucket := tier.Bucket(hour); bucket < tier.Bucket(hour.Add(time.Hour)); bucket++ {
					for n := range apps {
						id, err := history.subject(t.Context(), tx, metrics.App(fmt.Sprintf("app-%d", n)), ids)
						if err != nil {
							return err
						}
						if err := put(t.Context(), tx, slot{tier.Number, id, bucket}, busyPoint(random, tier)); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	history.subjects = ids
	return now
}

// busyPoint is what a tier has of an app whose readings jump.
func busyPoint(random *rand.Rand, tier metrics.Tier) metrics.Point {
	point := metrics.PointOf(busyValues(random))
	if tier.Number > 0 {
		point.Add(metrics.PointOf(busyValues(random)))
		point.Add(metrics.PointOf(busyValues(random)))
		point.Add(metrics.PointOf(busyValues(random)))
	}
	return point
}

func busyValues(random *rand.Rand) metrics.Values {
	values := make(metrics.Values)
	for metric, most := range map[metrics.Metric]int64{
		metrics.Memory: 1 << 21, metrics.CPU: 100_000, metrics.NetworkIn: 10 << 20, metrics.NetworkOut: 10 << 20, metrics.BlockRead: 10 << 20,
		metrics.BlockWritten: 10 << 20, metrics.Processes: 100, metrics.Restarts: 3, metrics.Requests: 100_000, metrics.Errors4xx: 100, metrics.Errors5xx: 100,
		metrics.LatencyP50: 1e6, metrics.LatencyP95: 1e6, metrics.LatencyP99: 1e6, metrics.BytesIn: 10 << 20, metrics.BytesOut: 100 << 20,
	} {
		values[metric] = random.Int64N(most)
	}
	return values
}
