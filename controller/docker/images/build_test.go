package images

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// builds lets the build of the app hello end with an image that has the labels.
func builds(labels map[string]string) map[string]http.HandlerFunc {
	found := map[string]any{"Id": "sha256:made", "Config": map[string]any{"Labels": labels}}
	return map[string]http.HandlerFunc{
		"POST /build": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"id":"moby.image.id","aux":{"ID":"sha256:made"}}`)
		},
		"GET /images/sha256:made/json": dockertest.AnswerJSON(found),
		"GET /images/json":             dockertest.AnswerJSON([]imagetypes.Summary{}),
	}
}

// A build program that is not the engine's decides itself about its image.
func TestBuild_RefusesAnImageWithoutTheLabelsThatWereAsked(t *testing.T) {
	options := BuildOptions{App: "hello", Release: 3, Service: "web", Context: func(context.Context, io.Writer) error { return nil }}
	asked := (&Images{link: &link.Link{Stack: "berth"}}).buildRequest(options).Labels
	engine, _ := openFake(t, builds(asked))
	if image, err := engine.Build(t.Context(), options, func(string) {}); err != nil || image.ID != "sha256:made" {
		t.Fatalf("as asked: %+v, %v", image, err)
	}
	with := func(label, value string) map[string]string {
		labels := maps.Clone(asked)
		labels[label] = value
		return labels
	}
	for name, labels := range map[string]map[string]string{
		"another app":     with(link.LabelApp, "victim"),
		"another release": with(link.LabelRelease, "4"),
		"another service": with(link.LabelService, "store"),
		"none of ours":    {"maintainer": "x"},
		"none":            nil,
	} {
		engine, fake := openFake(t, builds(labels))
		_, err := engine.Build(t.Context(), options, func(string) {})
		failed, ok := errors.AsType[*BuildError](err)
		if !ok || !strings.Contains(failed.Message, "label berth.") || failed.Hint == "" {
			t.Errorf("%s: %v, want a BuildError", name, err)
		}
		if !removed(fake) {
			t.Errorf("%s: the image stays: %q", name, fake.Asked())
		}
	}
}

// removed reports whether an image was removed by the name that its build gave it,
// and none by its id.
func removed(fake *dockertest.Fake) bool {
	removals := 0
	for _, request := range fake.Asked() {
		if strings.HasPrefix(request, "DELETE /images/berth/hello:r3") {
			removals++
		} else if strings.HasPrefix(request, "DELETE ") {
			return false
		}
	}
	return removals == 1
}
