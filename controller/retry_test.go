package controller_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
)

// tryAgain lets the release be tried again with the app's settings, after change.
func (h *house) tryAgain(id app.ReleaseID, change func(*controller.Retry)) app.Release {
	h.t.Helper()
	release, err := h.Retry(h.t.Context(), id, h.retry(id.App, change), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func (h *house) retry(app app.Name, change func(*controller.Retry)) controller.Retry {
	h.t.Helper()
	view, err := h.App(h.t.Context(), app)
	if err != nil {
		h.t.Fatal(err)
	}
	wish := controller.Retry{Settings: view.Settings}
	if change != nil {
		change(&wish)
	}
	return wish
}

// failing deploys an app whose first release fails after its build.
func (h *house) failing(name string) app.Release {
	h.t.Helper()
	h.engine.exited.put("berth-"+name+"-r1", docker.Condition{ExitCode: 1})
	h.proxy.status.set(502)
	release := h.deploy(name)
	h.proxy.status.set(200)
	if release.State != app.ReleaseFailed || !release.CanRetry() {
		h.t.Fatalf("release is %+v", release)
	}
	return release
}

func TestRetry_OfAnArchiveBuildsItAgainWithTheSettingsThatMendIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	failed := h.failing("hello")
	again := h.tryAgain(failed.ReleaseID, func(r *controller.Retry) {
		r.Settings.Port = 5000
		r.Mount = app.Mount{Volume: "hello-data", Target: "/data"}
	})
	if again.State != app.ReleaseLive || again.ArchiveName != failed.ArchiveName || again.ArchiveSHA256 != failed.ArchiveSHA256 || again.RerunOf != 0 {
		t.Errorf("release is %+v", again)
	}
	options := h.engine.options.at("berth-hello-r2")
	if options.Service.Port != 5000 || !slices.Equal(options.Mounts, []docker.Mount{{Volume: "hello-data", Target: "/data"}}) {
		t.Errorf("it was started with %+v, %+v", options.Service, options.Mounts)
	}
	view, err := h.App(t.Context(), "hello")
	if err != nil || view.Settings.Port != 5000 || len(view.Mounts) != 1 {
		t.Errorf("the app has %+v, %+v, %v", view.Settings, view.Mounts, err)
	}
	h.eventually("the archive to be that of the live release alone", func() bool {
		first, err := h.Release(t.Context(), failed.ReleaseID)
		return err == nil && first.Archive == "" && slices.Equal(h.uploads(), []string{again.Archive})
	})
	_, err = h.Retry(t.Context(), failed.ReleaseID, h.retry("hello", nil), "test")
	wantProblem(t, err, problem.KindConflict, "")
}

func TestRetry_KeepsTheArchiveOfTheNewestFailureAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.proxy.status.set(502)
	for _, name := range []string{"berth-hello-r2", "berth-hello-r3", "berth-hello-r4"} {
		h.engine.exited.put(name, docker.Condition{ExitCode: 1})
	}
	h.update("hello")
	newest := h.update("hello")
	h.eventually("two archives to be left, with that of what is live", func() bool { return len(h.uploads()) == 2 })
	again := h.tryAgain(newest.ReleaseID, nil) // fails too, and takes the archive over
	h.eventually("the older to be forgotten", func() bool {
		older, err := h.Release(t.Context(), newest.ReleaseID)
		return err == nil && older.Archive == ""
	})
	if left := h.uploads(); len(left) != 2 || !slices.Contains(left, again.Archive) {
		t.Errorf("%q is left", left)
	}
	h.stop()
	h.open() // the first pass sweeps
	h.eventually("a pass", func() bool { _, err := h.Release(t.Context(), again.ReleaseID); return err == nil })
	h.proxy.status.set(200)
	last := h.tryAgain(again.ReleaseID, nil)
	if last.State != app.ReleaseLive {
		t.Errorf("release is %+v", last)
	}
	h.eventually("the archives of what failed to go", func() bool {
		left := h.uploads()
		return len(left) == 2 && slices.Contains(left, first.Archive) && slices.Contains(left, last.Archive)
	})
}

func TestRetry_GoesWithItsApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.failing("hello")
	if len(h.uploads()) != 1 {
		t.Fatalf("%q is kept", h.uploads())
	}
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Fatal(err)
	}
	h.eventually("the archive to go", func() bool { return len(h.uploads()) == 0 })
}

func TestRetry_OfACancelledRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	building := make(chan struct{})
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error {
		close(building)
		<-ctx.Done()
		return ctx.Err()
	})
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	<-building
	if err := h.Cancel(t.Context(), release.ReleaseID); err != nil {
		t.Fatal(err)
	}
	h.engine.onBuild.set(nil)
	if again := h.tryAgain(release.ReleaseID, nil); again.State != app.ReleaseLive {
		t.Errorf("release is %+v", again)
	}
}

func TestRetry_OfARollbackIsThatRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.update("hello")
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r3", docker.Condition{ExitCode: 1})
	back, err := h.Rollback(t.Context(), "hello", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back = h.wait(back.ReleaseID); back.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", back)
	}
	h.proxy.status.set(200)
	again := h.tryAgain(back.ReleaseID, nil)
	if again.State != app.ReleaseLive || again.RerunOf != 1 || again.Image != "image-berth-hello-r1" {
		t.Errorf("release is %+v", again)
	}
}

func TestRetry_OfAnImageRunsTheVeryImage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onPull.set(func(docker.PullOptions) (docker.Image, string, error) {
		return docker.Image{ID: "sha256:first"}, "shop@sha256:digest", nil
	})
	h.engine.exited.put("berth-shop-r1", docker.Condition{ExitCode: 1})
	h.proxy.status.set(502)
	route, _ := h.Routing().ParseRoute("/shop")
	release, err := h.Accept(t.Context(), controller.Upload{Name: "shop", Route: route, Image: plan.ImageReference("shop:1"), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", release)
	}
	h.engine.onPull.set(func(docker.PullOptions) (docker.Image, string, error) {
		return docker.Image{ID: "sha256:second"}, "shop@sha256:other", nil
	})
	h.proxy.status.set(200)
	again := h.tryAgain(release.ReleaseID, nil)
	if again.State != app.ReleaseLive || again.Image != "sha256:first" || again.Reference != "shop:1" || again.Digest != "shop@sha256:digest" {
		t.Errorf("release is %+v", again)
	}
}

func TestRetry_RefusesWhatIsNotOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	live := h.deploy("hello")
	_, err := h.Retry(t.Context(), live.ReleaseID, h.retry("hello", nil), "test")
	wantProblem(t, err, problem.KindConflict, "")
}

func TestRetry_GivesNoWaiverThatTheOperatorForbids(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	failed := h.failing("hello")
	h.stop()
	h.forbidden = []app.Waiver{app.WaiverWritableRoot}
	h.open()
	_, err := h.Retry(t.Context(), failed.ReleaseID, h.retry("hello", func(r *controller.Retry) { r.Settings.WritableRoot = true }), "test")
	if problem, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(problem.Message, "forbidden") {
		t.Errorf("got %v", err)
	}
}

func TestRetry_TwiceWhileItIsUnderWayIsOneRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	failed := h.failing("hello")
	wish := h.retry("hello", func(r *controller.Retry) {
		r.Settings.Port = 5000
		r.Mount = app.Mount{Volume: "hello-data", Target: "/data"}
	})
	h.proxy.status.set(502) // it is not proven, and stays under way
	first, err := h.Retry(t.Context(), failed.ReleaseID, wish, "test")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Retry(t.Context(), failed.ReleaseID, wish, "test")
	if err != nil || again.Number != first.Number {
		t.Errorf("the second click gives r%d, %v; the first r%d", again.Number, err, first.Number)
	}
	wish.Settings.Port = 6000
	wish.Mount = app.Mount{}
	_, err = h.Retry(t.Context(), failed.ReleaseID, wish, "test")
	wantProblem(t, err, problem.KindConflict, "")
	h.proxy.status.set(200)
	h.wait(first.ReleaseID)
}
