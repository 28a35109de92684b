package controller_test

import (
	"context"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

func TestSettings_ChosenComposeFilesHoldForEveryUpload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("site")
	choices, problems := app.ParseChoices(app.ChoicesForm{Compose: "two/compose.yaml, two/prod.yaml"})
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	settings := app.DefaultSettings()
	settings.Choices = choices
	if _, err := h.UpdateSettings(t.Context(), "site", settings, "test"); err != nil {
		t.Fatal(err)
	}
	var built docker.BuildOptions
	h.engine.onBuild.set(func(_ context.Context, o docker.BuildOptions) error { built = o; return nil })
	files := map[string]string{
		"README.md": "x", "one/compose.yaml": "services: {web: {build: .}}\n", "two/compose.yaml": "services: {web: {build: .}}\n",
		"two/prod.yaml": "services: {web: {build: {target: last}}}\n", "one/Dockerfile": "FROM scratch\n", "two/Dockerfile": "FROM scratch AS last\n",
	}
	for range 2 {
		next, err := h.AcceptUpdate(t.Context(), "site", h.receive(files), "test")
		if err != nil {
			t.Fatal(err)
		}
		h.wait(next.ReleaseID)
		if built.Build.Folder != "two" || built.Build.Target != "last" {
			t.Errorf("built %+v", built.Build)
		}
	}
	settings.Choices = app.Choices{}
	if _, err := h.UpdateSettings(t.Context(), "site", settings, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.AcceptUpdate(t.Context(), "site", h.receive(files), "test"); err == nil || !strings.Contains(err.Error(), "Which compose file") {
		t.Errorf("got %v", err)
	}
}
