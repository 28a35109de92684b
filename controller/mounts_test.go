package controller_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// volume makes a volume.
func (h *house) volume(name volume.Name) {
	h.t.Helper()
	if err := h.Volumes().Create(h.t.Context(), name, ""); err != nil {
		h.t.Fatal(err)
	}
}

func written(name volume.Name) []app.Mount {
	return []app.Mount{{Volume: name, Target: "/data"}}
}

// mount gives a live app volumes and waits for the release that runs with them.
func (h *house) mount(name string, mounts []app.Mount) app.Release {
	h.t.Helper()
	release, err := h.UpdateMounts(h.t.Context(), app.Name(name), mounts, "ada")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

// newWriter is a house whose app hello writes into the volume data, as release 2.
func newWriter(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.volume("data")
	h.deploy("hello")
	h.mount("hello", written("data"))
	return h
}

func TestMounts_AreARunOfTheirOwnAndARollbackBringsThemBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.deploy("hello")
	mounts := written("data")
	if release := h.mount("hello", mounts); release.State != app.ReleaseLive || release.Cause != app.CauseMounts || !slices.Equal(release.Mounts, mounts) {
		t.Fatalf("release %+v", release)
	}
	if got := h.engine.mounted.at("berth-hello-r2"); !slices.Equal(got, []docker.Mount{{Volume: "data", Target: "/data"}}) {
		t.Errorf("the engine was asked for %+v", got)
	}
	if owner := h.keeper.Owner("data"); owner != (volume.Owner{User: 65534, Group: 65534}) {
		t.Errorf("the volume belongs to %+v", owner)
	}
	back, err := h.Rollback(t.Context(), "hello", 1, "ada")
	if err != nil {
		t.Fatal(err)
	}
	if release := h.wait(back.ReleaseID); release.State != app.ReleaseLive || len(release.Mounts) != 0 {
		t.Errorf("after the rollback: %+v", release)
	}
	if app, err := h.App(t.Context(), "hello"); err != nil || len(app.Mounts) != 0 {
		t.Errorf("after the rollback the app mounts %+v, %v", app.Mounts, err)
	}
}

func TestMounts_SameOnesAreNoRelease(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	if release, err := h.UpdateMounts(t.Context(), "hello", written("data"), "ada"); err != nil || release.Number != 0 {
		t.Errorf("release %+v, %v", release, err)
	}
}

func TestMounts_MissingVolumeIsRefusedAndNothingChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	_, err := h.UpdateMounts(t.Context(), "hello", written("gone"), "ada")
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindInvalid || fault.Field != "volume" {
		t.Errorf("got %v", err)
	}
	if app, _ := h.App(t.Context(), "hello"); len(app.Mounts) != 0 || app.UnderWay != nil {
		t.Errorf("app %+v", app)
	}
}

func TestMounts_OneWriterAtATime(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	if slices.Contains(h.engine.stopped.get(), "berth-hello-r1") {
		t.Error("an instance without the volume was stopped before the new one was proven")
	}
	h.engine.onStart.set(func(o docker.StartOptions) error {
		if old, err := h.engine.Inspect(t.Context(), "berth-hello-r2"); err != nil || old.Condition.Running {
			t.Errorf("when %s starts, the old instance runs: %+v, %v", o.Name, old.Condition, err)
		}
		return nil
	})
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseLive || !slices.Equal(release.Mounts, written("data")) {
		t.Errorf("release %+v", release)
	}
}

func TestMounts_OldInstanceRunsAgainWhereTheNewOneFails(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	h.engine.onStart.set(func(docker.StartOptions) error { return &docker.StartError{Message: "No.", Err: io.EOF} })
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseFailed {
		t.Fatalf("release %+v", release)
	}
	// By the time that it has failed, and the next one may come.
	if old, err := h.engine.Inspect(t.Context(), "berth-hello-r2"); err != nil || !old.Condition.Running {
		t.Errorf("the old instance is %+v, %v", old, err)
	}
	if !slices.Contains(h.engine.stopped.get(), "berth-hello-r2") {
		t.Error("the old instance was never stopped")
	}
}

func TestMounts_NobodyStartsAStoppedAppBesideItsUpdate(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	h.engine.onStart.set(func(docker.StartOptions) error {
		for what, action := range map[string]func(context.Context, app.Name) error{"start": h.Start, "restart": h.Restart} {
			wantProblem(t, action(t.Context(), "hello"), problem.KindConflict, "")
			if old, err := h.engine.Inspect(t.Context(), "berth-hello-r2"); err != nil || old.Condition.Running {
				t.Errorf("after %s the old instance is %+v, %v", what, old.Condition, err)
			}
		}
		return nil
	})
	if release := h.update("hello"); release.State != app.ReleaseLive {
		t.Errorf("release %+v", release)
	}
}

func TestMounts_OldInstanceWaitsUntilTheFailedOneCouldBeRemoved(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	var refuse guarded[error]
	refuse.set(errors.New("the engine is busy"))
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r3", docker.Condition{ExitCode: 1})
	h.engine.onRetire.set(func(name string) error {
		if name == "berth-hello-r3" {
			return refuse.get()
		}
		return nil
	})
	h.engine.onResume.set(func(name string) {
		if _, err := h.engine.Inspect(t.Context(), "berth-hello-r3"); err == nil {
			t.Errorf("when %s runs again, the failed one is still there", name)
		}
	})
	if release := h.update("hello"); release.State != app.ReleaseFailed {
		t.Fatalf("release %+v", release)
	}
	time.Sleep(300 * time.Millisecond) // a pass has tried
	refuse.set(nil)
	h.eventually("the old instance to run again", func() bool {
		old, err := h.engine.Inspect(t.Context(), "berth-hello-r2")
		return err == nil && old.Condition.Running
	})
}

func TestMounts_WhatAKilledFailureLeftGoesBeforeTheOldInstanceRunsAgain(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return &docker.BuildError{Message: "no"} })
	if release := h.update("hello"); release.State != app.ReleaseFailed {
		t.Fatalf("release %+v", release)
	}
	h.stop()
	h.engine.mu.Lock()
	h.engine.instances["berth-hello-r3"] = docker.Instance{ID: "berth-hello-r3", Name: "berth-hello-r3", App: "hello", Release: 3, Condition: docker.Condition{Running: true}}
	old := h.engine.instances["berth-hello-r2"]
	old.Condition.Running = false
	h.engine.instances["berth-hello-r2"] = old
	h.engine.mu.Unlock()
	h.engine.onResume.set(func(name string) {
		if _, err := h.engine.Inspect(t.Context(), "berth-hello-r3"); err == nil {
			t.Errorf("when %s runs again, the failed one still runs", name)
		}
	})
	h.open()
	h.eventually("the old instance to run again", func() bool {
		old, err := h.engine.Inspect(t.Context(), "berth-hello-r2")
		return err == nil && old.Condition.Running
	})
}

func TestMounts_ReadersRunSideBySide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	h.deploy("hello")
	mounts := []app.Mount{{Volume: "data", Target: "/data", ReadOnly: true}}
	h.mount("hello", mounts)
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	h.wait(release.ReleaseID)
	if len(h.engine.stopped.get()) > 0 {
		t.Errorf("stopped %q: nobody writes", h.engine.stopped.get())
	}
}

func TestDeleteVolume_RefusesOneThatIsMountedOrAnotherName(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	err := h.Volumes().Delete(t.Context(), "data", "data")
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindConflict || !strings.Contains(fault.Message, "hello") {
		t.Errorf("mounted: %v", err)
	}
	h.volume("spare")
	if err := h.Volumes().Delete(t.Context(), "spare", "data"); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("wrong name: %v", err)
	}
	h.keeper.Use("spare", "somebody-else")
	if err := h.Volumes().Delete(t.Context(), "spare", "spare"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("in a container: %v", err)
	}
	h.keeper.Use("spare")
	if err := h.Volumes().Delete(t.Context(), "spare", "spare"); err != nil {
		t.Error(err)
	}
	if err := h.Volumes().Delete(t.Context(), "spare", "spare"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("gone: %v", err)
	}
}

func TestVolumes_ListTellsSizeAndUsersAndCountsAgainAfterAChange(t *testing.T) {
	t.Parallel()
	h := newWriter(t)
	views, err := h.Volumes().List(t.Context())
	if err != nil || len(views) != 1 || !views[0].HasUsage || !slices.Equal(views[0].Users, []app.Name{"hello"}) {
		t.Fatalf("%+v, %v", views, err)
	}
	files, err := h.Volumes().Change(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Write("a.txt", strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if view, err := h.Volumes().Find(t.Context(), "data"); err != nil || view.Usage.Files != 1 || view.Usage.Bytes != 5 {
		t.Errorf("%+v, %v", view, err)
	}
	if open := h.keeper.Open(); open != 0 {
		t.Errorf("%d sessions are open", open)
	}
}

func TestMounts_VisitorsAreToldThatTheAppIsBackInAMoment(t *testing.T) {
	t.Parallel()
	for what, fails := range map[string]error{"it goes live": nil, "it fails": &docker.StartError{Message: "No.", Err: io.EOF}} {
		h := newWriter(t)
		h.engine.onStart.set(func(docker.StartOptions) error {
			if router := h.proxy.routers()["hello-0-web"]; router == nil || router.Service != "pages" || !strings.Contains(strings.Join(router.Middlewares, " "), "hello-page-") {
				t.Errorf("%s: while nobody answers, the route leads to %+v", what, router)
			}
			return fails
		})
		h.update("hello")
		h.eventually("the route leads to the app", func() bool {
			router := h.proxy.routers()["hello-0-web"]
			return router != nil && router.Service != "pages"
		})
	}
}
