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

// loseImages takes all images away, as on another machine.
func (h *house) loseImages() {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	clear(h.engine.images)
}

func TestRebuild_OfARollbackRunsTheReleaseThatItRan(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.update("hello")
	release, err := h.Rollback(t.Context(), "hello", first.Number, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back := h.wait(release.ReleaseID); back.State != app.ReleaseLive || back.Archive != first.Archive {
		t.Fatalf("rollback is %+v, of %+v", back, first)
	}
	h.loseImages()
	if release, err = h.Rebuild(t.Context(), "hello", "test"); err != nil || release.Number == 0 {
		t.Fatalf("%+v, %v", release, err)
	}
	if again := h.wait(release.ReleaseID); again.State != app.ReleaseLive || again.ArchiveSHA256 != first.ArchiveSHA256 {
		t.Errorf("release is %+v", again)
	}
}

func TestRollback_BuildsALostImageFromTheKeptArchive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.update("hello")
	h.loseImages()
	release, err := h.Rollback(t.Context(), "hello", first.Number, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back := h.wait(release.ReleaseID); back.State != app.ReleaseLive || back.ArchiveSHA256 != first.ArchiveSHA256 {
		t.Errorf("rollback is %+v", back)
	}
}

func TestStart_MakesTheImagesOfAStoppedAppAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	live := h.deploy("hello")
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	h.engine.mu.Lock()
	clear(h.engine.instances)
	h.engine.mu.Unlock()
	h.loseImages()
	if release, err := h.Rebuild(t.Context(), "hello", "test"); err != nil || release.Number != 0 {
		t.Fatalf("it does not stay stopped: %+v, %v", release, err)
	}
	if err := h.Start(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	again := h.wait(app.ReleaseID{App: "hello", Number: live.Number + 1})
	if again.State != app.ReleaseLive || again.ArchiveSHA256 != live.ArchiveSHA256 {
		t.Errorf("release is %+v", again)
	}
	if found, err := h.App(t.Context(), "hello"); err != nil || found.Wanted != app.WantedRunning {
		t.Errorf("app is %+v, %v", found, err)
	}
}
