package images

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget_EndsABuildThatPrintsTooMuch(t *testing.T) {
	for name, line := range map[string]string{"bytes": strings.Repeat("y", 1<<10), "lines": "y"} {
		t.Run(name, func(t *testing.T) {
			kept := 0
			ctx, budget := newBudget(t.Context(), func(string) { kept++ })
			for ctx.Err() == nil && kept <= outputLines {
				budget.line(line)
			}
			budget.line(line)
			reason, ok := errors.AsType[*BuildError](exceeded(ctx, nil))
			if !ok || !strings.Contains(reason.Message, "printed more than 16 MB or 250000 lines") {
				t.Fatalf("the build ended with %v", context.Cause(ctx))
			}
			if kept > outputLines || kept*len(line) > OutputBytes {
				t.Errorf("the log got %d lines of %d bytes", kept, len(line))
			}
		})
	}
}

func TestBudget_EndsACommandThatNeverStopsPrintingAndNoTalkativeOne(t *testing.T) {
	clipped, whole := "#5 0.268 [output clipped, log limit 200KiB/s reached]", "#5 9.7 y [output clipped, log limit 2MiB reached]"
	for name, test := range map[string]struct {
		lines []string
		ends  bool
	}{
		"it is never heard again":    {[]string{clipped}, true},
		"newer words":                {[]string{"#5 0.2 y [output clipped, log speed 100KiB/s reached]"}, true},
		"another command is heard":   {[]string{clipped, "#6 1.0 done"}, true},
		"too fast for a moment":      {[]string{clipped, "#5 1.0 done"}, false},
		"it is done":                 {[]string{clipped, "#5 DONE 1.0s"}, false},
		"much, but at its own speed": {[]string{whole}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, budget := newBudget(t.Context(), func(string) {})
				defer budget.stop(nil)
				for _, line := range test.lines {
					budget.line(line)
				}
				time.Sleep(floodPatience + time.Second)
				if _, ended := errors.AsType[*BuildError](context.Cause(ctx)); ended != test.ends {
					t.Errorf("ended: %v, %v", ended, context.Cause(ctx))
				}
			})
		})
	}
}

func TestBudget_EndsABuildThatFillsTheDisk(t *testing.T) {
	for name, test := range map[string]struct {
		free  []uint64 // one look after the other
		words string   // empty: it goes on
	}{
		"steady":            {[]uint64{9e9, 9e9, 9e9}, ""},
		"within its budget": {[]uint64{9e9, 8e9, 7e9}, ""},
		"over its budget":   {[]uint64{9e9, 8e9, 6e9}, "lost more than 2000 MB"},
		"into the reserve":  {[]uint64{2e9, 1e9, 9e8}, "900 MB are left, and builds leave 1000 MB free"},
		"full at its start": {[]uint64{5e8}, "500 MB are left"},
		"freed by others":   {[]uint64{5e9, 9e9, 9e9}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var looks atomic.Int64
				disk := Disk{Most: 2e9, Reserve: 1e9, Free: func() (uint64, error) {
					return test.free[min(int(looks.Add(1)), len(test.free))-1], nil
				}}
				ctx, budget := newBudget(t.Context(), func(string) {})
				defer budget.stop(nil)
				go budget.watch(ctx, disk)
				time.Sleep(10 * diskInterval)
				reason, ended := errors.AsType[*BuildError](context.Cause(ctx))
				if ended != (test.words != "") || ended && !strings.Contains(reason.Message, test.words) {
					t.Errorf("ended: %v, %v", ended, context.Cause(ctx))
				}
			})
		})
	}
}

func TestBudget_LeavesADiskAloneThatCannotBeLookedAt(t *testing.T) {
	ctx, budget := newBudget(t.Context(), func(string) {})
	defer budget.stop(nil)
	budget.watch(ctx, Disk{})
	budget.watch(ctx, Disk{Free: func() (uint64, error) { return 0, errors.New("no such disk") }})
	if ctx.Err() != nil {
		t.Errorf("the build ended with %v", context.Cause(ctx))
	}
}

func TestBuildError_NamesTheLimitOfProcesses(t *testing.T) {
	for line, blamed := range map[string]bool{
		"#5 0.2 sh: 1: Cannot fork":                                                 true,
		"#5 0.2 fork/exec /app: resource temporarily unavailable":                   true,
		"#5 0.2 runtime: failed to create new OS thread (have 5 already; errno=11)": true,
		"#5 0.2 fork the repository":                                                false,
	} {
		failed := &BuildError{Message: "The command ended.", Lines: []string{line}}
		failed.blameProcesses()
		if got := strings.Contains(failed.Message, "limit of processes"); got != blamed {
			t.Errorf("%q: %q", line, failed.Message)
		}
	}
}
