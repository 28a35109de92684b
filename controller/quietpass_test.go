package controller_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

// TestReconcile_AQuietPassAsksOnlyForLists: a pass asks about an instance once, and again
// after something happened to it.
func TestReconcile_AQuietPassAsksOnlyForLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := range 3 {
		h.deploy(fmt.Sprintf("app-%d", n))
	}
	var asked guarded[[]string]
	var passes atomic.Int64
	h.engine.onInspect.set(func(_ context.Context, name string) error {
		add(&asked, name)
		return nil
	})
	h.engine.onList.set(func() { passes.Add(1) })
	pass := func() {
		t.Helper()
		before := passes.Load()
		h.engine.watching.get()(docker.Event{Role: "proxy", Name: "berth-traefik", Action: docker.ActionStart})
		h.eventually("a pass that began after the event, and its end", func() bool { return passes.Load() >= before+1 })
		h.engine.watching.get()(docker.Event{Role: "proxy", Name: "berth-traefik", Action: docker.ActionStart})
		h.eventually("the pass after it", func() bool { return passes.Load() >= before+2 })
	}
	pass()
	asked.set(nil)
	pass()
	if names := asked.get(); len(names) != 0 {
		t.Errorf("a quiet pass asked about %q", names)
	}
	h.engine.mu.Lock()
	gone := h.engine.instances["berth-app-1-r1"]
	gone.Condition.Running = false
	h.engine.instances["berth-app-1-r1"] = gone
	h.engine.mu.Unlock()
	pass()
	h.wantState("app-1", app.Running)
	if names := asked.get(); !slices.Contains(names, "berth-app-1-r1") || slices.Contains(names, "berth-app-0-r1") {
		t.Errorf("after one stopped the passes asked about %q", names)
	}
	asked.set(nil)
	h.engine.watching.get()(docker.Event{App: "app-2", Name: "berth-app-2-r1", Role: "app", Release: 1, Action: docker.ActionOOM})
	h.eventually("the instance of the event to be looked at", func() bool { return slices.Contains(asked.get(), "berth-app-2-r1") })
}

func TestReconcile_SaysWhenItsLastPassEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.eventually("the end of the first pass", func() bool { return !h.ReconciledAt().IsZero() })
	first := h.ReconciledAt()
	h.engine.watching.get()(docker.Event{Role: "proxy", Name: "berth-traefik", Action: docker.ActionStart})
	h.eventually("the end of a later pass", func() bool { return h.ReconciledAt().After(first) })
}
