// Command bench measures a whole running Berth against the same work done by
// hand through the engine's API, in one run, and prints the ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"berth/test/stack"
)

// goalMet and goalMissed end each line of the report.
const (
	goalMet    = "ok"
	goalMissed = "MISSED"
)

// bench is one run.
type bench struct {
	ctx    context.Context
	stack  *stack.Stack
	token  string
	floor  *floor
	rounds int
	apps   int
	lines  []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// pause waits, unless the bench is interrupted.
func (b *bench) pause(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 10, "rounds whose median is taken")
	apps := flag.Int("apps", 100, "apps on the fullest dashboard")
	only := flag.String("only", "", "run only the part whose name holds this")
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, 40*time.Minute)
	defer cancel()
	place, err := stack.Reserve("berth-bench")
	if err != nil {
		return err
	}
	berth, err := stack.Start(ctx, stack.Options{
		Place: place, Log: os.Stderr,
		Environment: []string{
			"BERTH_RATELIMIT_UPLOAD=100000/1h", "BERTH_RATELIMIT_UPDATE=100000/1h", "BERTH_RATELIMIT_DEFAULT=10000000/1h", "BERTH_RATELIMIT_CONTAINERS=10000000/1h",
			"BERTH_ADMIN_PASSWORD=" + benchPassword,
		},
	})
	if err != nil {
		return err
	}
	defer berth.Remove()
	token, err := berth.Token("admin")
	if err != nil {
		return err
	}
	b := &bench{ctx: ctx, stack: berth, token: token, floor: newFloor(berth.Name), rounds: *rounds, apps: *apps}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"unzip", b.measureUnzip},
		{"first", b.measureFirst},
		{"redeploy", b.measureRedeploy},
		{"outage", b.measureOutage},
		{"gate", b.measureGate},
		{"broker", b.measureBroker},
		{"volume", b.measureVolume},
		{"backup", b.measureBackup},
		{"hostile disk", b.measureHostile("disk")},
		{"hostile fork bomb", b.measureHostile("fork bomb")},
		{"hostile memory", b.measureHostile("memory")},
		{"hostile output", b.measureHostile("output")},
		{"quiet", b.measureQuiet},
		{"metrics", b.measureMetrics},
		{"logs", b.measureLogs},
		{"dashboard", b.measureDashboard},
	} {
		if !strings.Contains(part.name, *only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring:", part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	fmt.Println("\n" + strings.Join(b.lines, "\n"))
	return nil
}

// report adds a line: what was measured, and whether its goal was met.
func (b *bench) report(met bool, format string, args ...any) {
	verdict := goalMet
	if !met {
		verdict = goalMissed
	}
	line := fmt.Sprintf("%-7s ", verdict) + fmt.Sprintf(format, args...)
	b.lines = append(b.lines, line)
	fmt.Fprintln(os.Stderr, line)
}

// ratios divides pair by pair, so that a machine whose speed drifts does not matter.
func ratios(ours, theirs []time.Duration) []float64 {
	result := make([]float64, len(ours))
	for i := range ours {
		result[i] = float64(ours[i]) / float64(theirs[i])
	}
	return result
}

func median[T int | int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func quantile(values []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func milliseconds(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
