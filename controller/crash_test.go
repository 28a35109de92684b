package controller_test

import (
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/test/patience"
)

// TestVerify_FailsSoonAfterTheSecondExit has an app that ends again and again, whose short
// rests between two starts are seen at different moments.
func TestVerify_FailsSoonAfterTheSecondExit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		look func(since time.Duration) docker.Condition
		says string
	}{
		"seen while it rests": {func(since time.Duration) docker.Condition {
			if since%(400*time.Millisecond) < 100*time.Millisecond {
				return docker.Condition{Restarting: true, Restarts: 2, ExitCode: 3}
			}
			return docker.Condition{Running: true, Restarts: 2}
		}, "exit code 3"},
		"seen at its first end alone": {func(since time.Duration) docker.Condition {
			if since < 200*time.Millisecond {
				return docker.Condition{Restarting: true, Restarts: 1, ExitCode: 4}
			}
			return docker.Condition{Running: true, Restarts: 2}
		}, "exit code 4"},
		"never seen": {func(time.Duration) docker.Condition {
			return docker.Condition{Running: true, Restarts: 5}
		}, "ended 5 times"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.proxy.status.set(502)
			var began guarded[time.Time]
			h.engine.onLook.set(func(_ string, _ docker.Condition) docker.Condition {
				if began.get().IsZero() {
					began.set(time.Now())
				}
				return test.look(time.Since(began.get()))
			})
			release := h.deploy("hello")
			if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, test.says) {
				t.Errorf("release is %s: %s", release.State, release.Reason)
			}
			if took := time.Since(began.get()); took > patience.Of(3*time.Second) {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestVerify_AppThatComesUpAfterItsSecondExitGoesLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.proxy.status.set(502)
	h.engine.onLook.set(func(_ string, _ docker.Condition) docker.Condition {
		return docker.Condition{Running: true, Restarts: 2}
	})
	time.AfterFunc(time.Second, func() { h.proxy.status.set(200) })
	if release := h.deploy("hello"); release.State != app.ReleaseLive {
		t.Errorf("release is %s: %s", release.State, release.Reason)
	}
}
