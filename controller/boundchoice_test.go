package controller_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
)

// TestBound_ChoiceHoldsForUpdateRetryAndRollback lets a person have as a volume what would
// be a part of the image, and the other way round.
func TestBound_ChoiceHoldsForUpdateRetryAndRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	archive := map[string]string{
		"compose.yaml": "services: {web: {build: ., volumes: ['./pages:/srv/pages', './seed:/srv/data']}}\n",
		"Dockerfile":   "FROM scratch\n", "pages/index.html": "a", "seed/rows.csv": "b",
	}
	choices, problems := app.ParseChoices(app.ChoicesForm{Bound: "web:/srv/pages=volume,web:/srv/data=image"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	route, _ := h.Routing().ParseRoute("/shop")
	wish := controller.Upload{Name: "shop", Route: route, Archive: h.receive(archive), By: "test", Settings: &app.Settings{Choices: choices}}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || len(preview.Bound) != 2 || preview.Bound[0].As != plan.BoundVolume || preview.Bound[1].As != plan.BoundImage {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	first, err := h.Accept(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, release app.Release) {
		t.Helper()
		want := []plan.Mount{{Volume: "pages", Target: "/srv/pages"}}
		if release.State != app.ReleaseLive || !slices.Equal(release.MainRun().Spec.Mounts, want) {
			t.Errorf("%s: %s with %+v", what, release.State, release.MainRun().Spec.Mounts)
		}
	}
	check("upload", h.wait(first.ReleaseID))
	second, err := h.AcceptUpdate(t.Context(), "shop", h.receive(archive), "test")
	if err != nil {
		t.Fatal(err)
	}
	check("update", h.wait(second.ReleaseID))
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return errors.New("no build") })
	third, err := h.AcceptUpdate(t.Context(), "shop", h.receive(archive), "test")
	if err != nil {
		t.Fatal(err)
	}
	failed := h.wait(third.ReleaseID)
	h.engine.onBuild.set(nil)
	if failed.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", failed)
	}
	check("retry", h.tryAgain(failed.ReleaseID, nil))
	back, err := h.Rollback(t.Context(), "shop", first.Number, "test")
	if err != nil {
		t.Fatal(err)
	}
	check("rollback", h.wait(back.ReleaseID))
}
