package controller_test

import (
	"testing"

	"berth/controller/app"
)

func TestRebuild_BuildsLostImagesFromTheKeptArchive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	live := h.deploy("hello")
	if release, err := h.Rebuild(t.Context(), "hello", "test"); err != nil || release.Number != 0 {
		t.Fatalf("with its image: %+v, %v", release, err)
	}
	h.engine.mu.Lock()
	clear(h.engine.images)
	h.engine.mu.Unlock()
	release, err := h.Rebuild(t.Context(), "hello", "test")
	if err != nil || release.Number == 0 {
		t.Fatalf("%+v, %v", release, err)
	}
	again := h.wait(release.ReleaseID)
	if again.State != app.ReleaseLive || again.Archive != live.Archive || again.Settings != live.Settings {
		t.Errorf("release is %+v", again)
	}
}
