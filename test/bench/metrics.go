package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"berth/controller/metrics"
	"berth/controller/metrics/history"
	"berth/controller/store/sqlite"
)

const (
	metricsApps      = 100
	metricsQueryGoal = 50 * time.Millisecond
	metricsFileGoal  = 50 // MB
	metricsRatioGoal = 6.0
)

// measureMetrics: a day of measurements of 100 apps, the chart of one of them, and how much
// slower that is than to read the same rows and throw them away.
func (b *bench) measureMetrics() error {
	folder, err := os.MkdirTemp("", "berth-metrics-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "metrics.db")
	kept, err := history.Open(b.ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer kept.Close()
	now, err := fillDay(b.ctx, kept)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	size := info.Size() >> 20
	b.report(size < metricsFileGoal, "a day of measurements of %d apps: %d MB (goal %d)", metricsApps, size, metricsFileGoal)
	reader, err := sqlite.OpenReader(path)
	if err != nil {
		return err
	}
	defer reader.Close()
	var ours, theirs []time.Duration
	for n := range 10 * b.rounds {
		began := time.Now()
		if _, err := kept.Read(b.ctx, metrics.App(fmt.Sprintf("app-%d", n%metricsApps)), metrics.RangeNamed("day"), now); err != nil {
			return err
		}
		ours, began = append(ours, time.Since(began)), time.Now()
		rows, err := reader.QueryContext(b.ctx, `SELECT bucket, packed FROM points WHERE tier = 1 AND subject = ?`, 1+n%metricsApps)
		_, err = sqlite.Collect(rows, err, func(row sqlite.Row) (bucket int64, err error) {
			var packed []byte
			return bucket, row.Scan(&bucket, &packed)
		})
		if err != nil {
			return err
		}
		theirs = append(theirs, time.Since(began))
	}
	slow, ratio := quantile(ours, 0.95), median(ratios(ours, theirs))
	b.report(slow < metricsQueryGoal, "a day of one app is read within %s p95 (goal %s)", milliseconds(slow), metricsQueryGoal)
	b.report(ratio < metricsRatioGoal, "that is %.1f times the plain read of its rows (goal %.1f)", ratio, metricsRatioGoal)
	return nil
}

// fillDay gives the history a reading of every app each minute of a day.
func fillDay(ctx context.Context, kept *history.History) (now time.Time, err error) {
	random := rand.New(rand.NewPCG(1, 2))
	now = time.Now().Truncate(24 * time.Hour)
	for range 24 * 60 {
		readings := make([]metrics.Reading, 0, metricsApps)
		for n := range metricsApps {
			values := make(metrics.Values)
			for metric := metrics.Memory; metric <= metrics.BytesOut; metric++ {
				values[metric] = random.Int64N(1 << 20)
			}
			readings = append(readings, metrics.Reading{Subject: metrics.App(fmt.Sprintf("app-%d", n)), Values: values})
		}
		if err := kept.Add(ctx, now, readings); err != nil {
			return now, err
		}
		now = now.Add(time.Minute)
	}
	return now, kept.Sweep(ctx, now)
}
