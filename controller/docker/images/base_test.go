package images

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/archive"
	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/planner"
)

// buildOf plans an archive of one Dockerfile.
func buildOf(t *testing.T, dockerfile string) plan.Build {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	entry, err := w.Create("Dockerfile")
	if err == nil {
		_, err = io.WriteString(entry, dockerfile)
	}
	if err := errors.Join(err, w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	tree, err := archive.Open(path, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	made, err := planner.From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	return made.Services[0].Build
}

func optionsOn(t *testing.T, dockerfile string) BuildOptions {
	t.Helper()
	return BuildOptions{
		App: "hello", Release: 3, Service: "web", Build: buildOf(t, dockerfile),
		Context: func(context.Context, io.Writer) error { return nil },
	}
}

// base is an image as an engine shows it.
func base(triggers []string, tagged time.Time, digests ...string) map[string]any {
	return map[string]any{
		"Id": "sha256:base", "RepoDigests": digests, "Metadata": map[string]any{"LastTagTime": tagged},
		"Config": map[string]any{"OnBuild": triggers},
	}
}

func TestBuild_RefusesABaseWhoseTriggersFetchAnAddress(t *testing.T) {
	answers := builds(nil)
	answers["GET /images/base:1/json"] = dockertest.AnswerJSON(base([]string{"ADD http://127.0.0.1:8080/api /x"}, time.Now()))
	engine, fake := openFake(t, answers)
	_, err := engine.Build(t.Context(), optionsOn(t, "FROM base:1\n"), func(string) {})
	if refusal, ok := errors.AsType[*plan.Refusal](err); !ok || refusal.Line != 1 || !strings.Contains(refusal.Reason, "127.0.0.1:8080") {
		t.Errorf("got %v", err)
	}
	if fake.WasAsked("POST /build") {
		t.Error("the engine was asked to build")
	}
}

func TestBuild_PullsAMissingBaseBeforeItLooks(t *testing.T) {
	answers := builds(nil)
	answers["POST /images/create"] = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}`)
	}
	engine, fake := openFake(t, answers)
	_, err := engine.Build(t.Context(), optionsOn(t, "FROM base:1\n"), func(string) {})
	if failed, ok := errors.AsType[*BuildError](err); !ok || !strings.Contains(failed.Message, "base:1") || failed.Hint == "" {
		t.Errorf("got %v", err)
	}
	if fake.WasAsked("POST /build") || !fake.WasAsked("POST /images/create") {
		t.Errorf("asked %q", fake.Asked())
	}
}

func TestBuild_AsksTheRegistryOnlyForABaseThatIsOld(t *testing.T) {
	old := time.Now().Add(-2 * baseAge)
	for _, c := range []struct {
		name  string
		image map[string]any
		asked bool
	}{
		{"of a registry, and old", base(nil, old, "base@sha256:"+strings.Repeat("a", 64)), true},
		{"of a registry, and new", base(nil, time.Now(), "base@sha256:"+strings.Repeat("a", 64)), false},
		{"of no registry", base(nil, old), false},
	} {
		options := optionsOn(t, "FROM base:1\n")
		answers := builds((&Images{link: &link.Link{Stack: "berth"}}).buildRequest(options).Labels)
		answers["GET /images/base:1/json"] = dockertest.AnswerJSON(c.image)
		engine, fake := openFake(t, answers)
		if _, err := engine.Build(t.Context(), options, func(string) {}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if fake.WasAsked("POST /images/create") != c.asked {
			t.Errorf("%s: asked %q", c.name, fake.Asked())
		}
	}
}
