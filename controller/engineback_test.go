package controller_test

import (
	"context"
	"sync/atomic"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

func TestRelease_WaitsAMomentForAnEngineThatComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var asked atomic.Int32
	answer := func() error {
		if asked.Load() <= 2 {
			return docker.ErrUnavailable
		}
		return nil
	}
	h.engine.onInspect.set(func(context.Context, string) error {
		asked.Add(1)
		return answer()
	})
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return answer() })
	if release := h.deploy("hello"); release.State != app.ReleaseLive {
		t.Errorf("release is %+v", release)
	}
}
