package controller_test

import (
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
)

func TestDeclared_VolumeOfAnImageGoesWithItUnlessAPersonKeepsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.declares.set([]string{"/data/", "/etc"})
	started := h.recordStarts()
	release := h.deploy("hello")
	spec := started("berth-hello-r1").Service
	if len(spec.Mounts) > 0 || len(spec.Scratch) != 1 || spec.Scratch[0] != "/data" {
		t.Errorf("it was started as %+v", spec)
	}
	if names := release.MainRun().Watched(release); len(names) != 1 || names[0] != "/berth-hello-r1" {
		t.Errorf("watched are %q", names)
	}
	if log := h.logOf(release.ReleaseID); !strings.Contains(log, "declares a volume at /data, where nothing is mounted") {
		t.Errorf("the log says %s", log)
	}

	settings := app.DefaultSettings()
	settings.Choices.ImageVolumes = true
	release, err := h.Accept(t.Context(), controller.Upload{Name: "hello", Next: true, Archive: h.good(), By: "test", Settings: &settings})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	spec = started("berth-hello-r2").Service
	if len(spec.Mounts) != 1 || spec.Mounts[0] != (plan.Mount{Volume: "data", Target: "/data"}) || len(spec.Scratch) > 0 {
		t.Errorf("it was started as %+v", spec)
	}
	settings.MemoryBytes /= 2
	h.updateSettings("hello", settings) // the same image, without a plan
	if spec := started("berth-hello-r3").Service; len(spec.Mounts) != 1 {
		t.Errorf("with other settings it was started as %+v", spec)
	}
	if _, err := h.keeper.FindVolume(t.Context(), "hello_data"); err != nil {
		t.Errorf("the volume: %v", err)
	}
}

func TestDeclared_FailureOfWhatStartsAsRootOffersTheException(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.proxy.status.set(502)
	h.engine.exited.put("berth-front-r1", docker.Condition{ExitCode: 1})
	route, _ := h.Routing().ParseRoute("/front")
	release, err := h.Accept(t.Context(), controller.Upload{Name: "front", Route: route, Image: "docker.io/library/nginx:1", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.Remedy.RootStart != plan.MainService || !strings.Contains(release.Hint, "nginx") {
		t.Errorf("release is %+v", release)
	}
	settings := app.DefaultSettings()
	settings.Choices.RootStart = plan.MainService
	h.proxy.status.set(200)
	again, err := h.Retry(t.Context(), release.ReleaseID, controller.Retry{Settings: settings}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if again = h.wait(again.ReleaseID); again.State != app.ReleaseLive || !again.MainRun().Spec.Waivers.RootStart {
		t.Errorf("again: %+v", again)
	}
}
