//go:build integration

package docker

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/docker/docker/api/types"

	"berth/controller/archive/archivetest"
	"berth/controller/docker/dockertest"
	"berth/controller/plan"
	"berth/controller/planner"
)

// TestBuildSecret_IsReadByItsStepAndStaysNowhere builds with a secret and a variable. The
// step prints what proves that it has read the secret, and not the secret.
func TestBuildSecret_IsReadByItsStepAndStaysNowhere(t *testing.T) {
	engine := openTest(t)
	secret := "Marker-4711-" + engine.link.Stack
	dockerfile := "FROM scratch\nCOPY app /app\nARG API_URL\nRUN [\"/app\", \"variable\", \"API_URL\"]\n" +
		"RUN --mount=type=secret,id=TOKEN [\"/app\", \"digest\", \"/run/secrets/TOKEN\"]\n"
	planned, err := planner.From(t.Context(), archivetest.Tree(t, "Dockerfile", dockerfile), plan.Options{
		Limits: plan.DefaultLimits(), Secrets: []string{"OTHER", "TOKEN"}, BuildVariables: map[string]string{"API_URL": "https://" + engine.link.Stack},
	})
	if err != nil {
		t.Fatal(err)
	}
	options := buildOptions("hello", 1, dockertest.App(t, dockerfile))
	options.Build = planned.Services[0].Build
	options.Secrets = map[string]string{"TOKEN": secret}
	book := &logbook{}
	image, err := engine.Build(t.Context(), options, book.line)
	if err != nil {
		t.Fatalf("%v\n%s", err, book)
	}
	t.Cleanup(func() { _ = engine.RemoveImage(context.WithoutCancel(t.Context()), image.ID) })
	for _, want := range []string{fmt.Sprintf("digest %x", sha256.Sum256([]byte(secret))), fmt.Sprintf("API_URL is %q", "https://"+engine.link.Stack)} {
		if !strings.Contains(book.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, book)
		}
	}

	api := engine.link.API(t.Context())
	saved, err := api.ImageSave(t.Context(), []string{image.ID})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	content, err := io.ReadAll(saved)
	if err != nil || len(content) < 1<<20 {
		t.Fatalf("%d bytes of the image, %v", len(content), err)
	}
	usage, err := api.DiskUsage(t.Context(), types.DiskUsageOptions{Types: []types.DiskUsageObject{types.BuildCacheObject}})
	if err != nil {
		t.Fatal(err)
	}
	var cache strings.Builder
	for _, record := range usage.BuildCache {
		fmt.Fprintf(&cache, "%+v\n", *record)
	}
	for place, text := range map[string]string{"the image": string(content), "the log": book.String(), "the cache": cache.String()} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is in %s", place)
		}
	}
}
