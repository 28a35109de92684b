package controller_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

// buildFile declares an argument and reads a secret.
const buildFile = "FROM scratch\nARG URL\nRUN --mount=type=secret,id=TOKEN x\n"

// recordBuilds returns the options of the last build.
func (h *house) recordBuilds() (last func() docker.BuildOptions) {
	var mu sync.Mutex
	var seen docker.BuildOptions
	h.engine.onBuild.set(func(_ context.Context, o docker.BuildOptions) error {
		mu.Lock()
		defer mu.Unlock()
		seen = o
		return nil
	})
	return func() docker.BuildOptions {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func (h *house) deployBuilt(wishes ...app.VariableWish) app.Release {
	h.t.Helper()
	release, err := h.Accept(h.t.Context(), controller.Upload{
		Name: "hello", Route: h.route("/hello"), Archive: h.receive(map[string]string{"Dockerfile": buildFile}), By: "test", Environment: wishes,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.live(release)
}

func buildWish(name, value string) app.VariableWish {
	return app.VariableWish{Name: name, Value: secret.Text(value), Build: true}
}

func TestBuildVariables_ReachTheBuildAndANewValueBuildsAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	last := h.recordBuilds()
	token := app.VariableWish{Name: "TOKEN", Value: marker, Secret: true}
	first := h.deployBuilt(buildWish("URL", "https://one"), app.VariableWish{Name: "MODE", Value: "x"}, token)
	if got := last(); !maps.Equal(got.Build.Arguments, map[string]string{"URL": "https://one"}) || !maps.Equal(got.Secrets, map[string]string{"TOKEN": marker}) {
		t.Fatalf("built with %v and secrets %v", got.Build.Arguments, got.Secrets)
	}
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{buildWish("URL", "https://two")}})
	second := h.apply("hello")
	if got := last(); second.State != app.ReleaseLive || got.Release != 2 || got.Build.Arguments["URL"] != "https://two" || second.Image == first.Image {
		t.Errorf("release is %+v, built with %v", second, got.Build.Arguments)
	}
	h.change("hello", setVariable("MODE", "y")) // which no build reads
	if third := h.apply("hello"); third.State != app.ReleaseLive || third.Image != second.Image || last().Release != 2 {
		t.Errorf("release is %+v", third)
	}
	if text := h.log(first); strings.Contains(text, marker) {
		t.Errorf("the log holds the secret: %s", text)
	}
}

func TestBuildVariables_WithoutTheArchiveANewUploadIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	live := h.deploy("hello")
	h.stop()
	ledger, err := store.Open(t.Context(), filepath.Join(h.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	// Berth kept no archive of what a rollback ran, and older ledgers say so.
	if err := errors.Join(ledger.ClearArchive(t.Context(), live.ReleaseID), ledger.Close()); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{buildWish("URL", "https://one")}})
	_, err = h.ApplyEnvironment(t.Context(), "hello", "test")
	if problem.KindOf(err) != problem.KindConflict || !strings.Contains(err.Error(), "built again") {
		t.Errorf("got %v", err)
	}
}

func TestBuildVariables_ASecretIsNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	for name, wish := range map[string]app.VariableWish{
		"a secret":  {Name: "TOKEN", Value: marker, Secret: true, Build: true},
		"a builder": buildWish("BUILDKIT_SYNTAX", "evil"),
		"a proxy":   buildWish("https_proxy", "http://evil"),
	} {
		_, err := h.UpdateEnvironment(t.Context(), "hello", app.EnvironmentChange{Set: []app.VariableWish{wish}})
		wantProblem(t, err, problem.KindInvalid, "build")
		if wish.Secret && !strings.Contains(hintOf(err), "--mount=type=secret,id=TOKEN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{buildWish("URL", "u")}})
	kept := h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{{Name: "URL", Value: "v"}}, StayBuild: true})
	if variable, _ := kept.Find("URL"); !variable.Build || variable.Value != "v" {
		t.Errorf("the mark is lost: %+v", variable)
	}
	if variable, _ := h.change("hello", setVariable("URL", "v")).Find("URL"); variable.Build {
		t.Errorf("the mark stays: %+v", variable)
	}
}

func hintOf(err error) string {
	found, _ := errors.AsType[*problem.Problem](err)
	if found == nil {
		return ""
	}
	return found.Hint
}
