package controller_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

func (h *house) wantRecorded(wanted ...string) {
	h.t.Helper()
	h.eventually("the last entry", func() bool {
		h.audit.mu.Lock()
		defer h.audit.mu.Unlock()
		return len(h.audit.lines) >= len(wanted)
	})
	if got := h.audit.taken(); !slices.Equal(got, wanted) {
		h.t.Errorf("recorded %q, want %q", got, wanted)
	}
}

func TestAudit_SaysHowAReleaseEndedAndWhoBeganIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.wantRecorded("RELEASE_LIVE release hello r1 true by test: ")
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return errors.New("password=hunter2") })
	h.update("hello")
	h.wantRecorded("RELEASE_FAILED release hello r2 false by test: ")
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error { <-ctx.Done(); return ctx.Err() })
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Cancel(t.Context(), release.ReleaseID); err != nil {
		t.Fatal(err)
	}
	h.wantRecorded("RELEASE_FAILED release hello r3 false by test: cancelled")
}

func TestAudit_NamesEachWaiverThatIsGivenOrTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.audit.taken()
	h.updateSettings("hello", small())
	h.wantRecorded("WAIVER_GRANT app hello true by test: writable root", "RELEASE_LIVE release hello r2 true by test: ")
	if _, err := h.UpdateSettings(t.Context(), "hello", small(), "test"); err != nil {
		t.Fatal(err)
	}
	h.wantRecorded()
	back, err := h.Rollback(t.Context(), "hello", 1, "other")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(back.ReleaseID)
	h.wantRecorded("WAIVER_REVOKE app hello true by other: writable root", "RELEASE_LIVE release hello r3 true by other: ")
	again, err := h.Rollback(t.Context(), "hello", 2, "other")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(again.ReleaseID)
	h.wantRecorded("WAIVER_GRANT app hello true by other: writable root", "RELEASE_LIVE release hello r4 true by other: ")
}

func TestAudit_NamesAWaiverAlsoWhereNothingIsLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return &docker.BuildError{Message: "no"} })
	h.deploy("hello")
	h.audit.taken()
	if _, err := h.UpdateSettings(t.Context(), "hello", small(), "test"); err != nil {
		t.Fatal(err)
	}
	h.wantRecorded("WAIVER_GRANT app hello true by test: writable root")
	if _, err := h.UpdateSettings(t.Context(), "hello", app.DefaultSettings(), "test"); err != nil {
		t.Fatal(err)
	}
	h.wantRecorded("WAIVER_REVOKE app hello true by test: writable root")
}
