package controller_test

import (
	"context"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
)

// TestReconcile_AnInstanceThatHangsInTheEngineStopsThePassForNoOther: an app and an orphan
// that come after it have their turn.
func TestReconcile_AnInstanceThatHangsInTheEngineStopsThePassForNoOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("first")
	h.deploy("second")
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-second-r1")
	h.engine.instances["berth-gone-r1"] = docker.Instance{ID: "berth-gone-r1", Name: "berth-gone-r1", App: "gone", Release: 1, Condition: docker.Condition{Running: true}}
	h.engine.networks["gone"] = docker.Network{ID: "gone", Name: "gone", App: "gone"}
	h.engine.mu.Unlock()
	h.engine.onInspect.set(func(ctx context.Context, name string) error {
		if name != "berth-first-r1" {
			return nil
		}
		<-ctx.Done() // as the engine does for one that is wedged
		return context.Cause(ctx)
	})
	began := time.Now()
	h.open()
	h.within(20*time.Second, "the second app to be made again, and the orphan to go", func() bool {
		h.engine.mu.Lock()
		defer h.engine.mu.Unlock()
		_, second := h.engine.instances["berth-second-r1"]
		_, gone := h.engine.instances["berth-gone-r1"]
		_, network := h.engine.networks["gone"]
		return second && !gone && !network
	})
	t.Logf("it took %v", time.Since(began))
	h.within(20*time.Second, "the first app to be said to be down", func() bool {
		name, err := h.App(t.Context(), "first")
		return err == nil && name.Observed.State == app.Down && name.Observed.Detail == "The container engine does not answer for it."
	})
}

// TestReconcile_ASlowAppHoldsUpNoOther: the second app is made again while the engine has
// not answered for the first.
func TestReconcile_ASlowAppHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("first")
	h.deploy("second")
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-second-r1")
	h.engine.mu.Unlock()
	answer, slow := make(chan struct{}), make(chan struct{}, 1)
	h.engine.onInspect.set(func(_ context.Context, name string) error {
		if name == "berth-first-r1" {
			select {
			case slow <- struct{}{}:
			default:
			}
			<-answer
		}
		return nil
	})
	h.open()
	<-slow
	h.within(20*time.Second, "the second app to be made again", func() bool {
		h.engine.mu.Lock()
		defer h.engine.mu.Unlock()
		_, there := h.engine.instances["berth-second-r1"]
		return there
	})
	close(answer)
}
