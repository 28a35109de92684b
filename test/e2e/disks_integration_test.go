//go:build integration

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

// grownState is what the API says of the disk.
type grownState struct {
	Kinds []struct {
		Kind string `json:"kind"`
		Used *struct {
			Count int64 `json:"count"`
		} `json:"used"`
		Free struct {
			Count int64 `json:"count"`
		} `json:"would_free"`
		Names []string `json:"names"`
	} `json:"kinds"`
	CleanUp *struct {
		Running  bool     `json:"running"`
		Failures []string `json:"failures"`
		Freed    []struct {
			Kind  string `json:"kind"`
			Count int64  `json:"count"`
			Bytes int64  `json:"bytes"`
		} `json:"freed"`
	} `json:"clean_up"`
}

// clean cleans up and waits for the end.
func (o *operator) clean() (state grownState) {
	o.t.Helper()
	if status, err := berth.Send(o.t.Context(), o.token, http.MethodPost, "/api/v1/disks/clean", "", &state); err != nil || status > http.StatusAccepted {
		o.t.Fatalf("clean: %d, %v", status, err)
	}
	ended := patience.Eventually(time.Minute, func() bool {
		state = grownState{}
		_, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/disks", &state)
		return err == nil && state.CleanUp != nil && !state.CleanUp.Running
	})
	if !ended || len(state.CleanUp.Failures) > 0 {
		o.t.Fatalf("the clean-up: %+v", state.CleanUp)
	}
	return state
}

// imagesOf are the images that were built for an app.
func imagesOf(t *testing.T, app string) []string {
	t.Helper()
	text, err := stack.DockerOutput("images", "--quiet", "--no-trunc", "--filter", "label=berth.app="+app, "--filter", "label=berth.stack="+berth.Name)
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(text)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestDisks_ACleanUpRemovesOldImagesAndNothingOfStrangers(t *testing.T) {
	o := newOperator(t)
	everything := strangers(t)
	o.deploy("tidy", "", "v1")
	o.update("tidy", "", "v2")
	if release := o.update("tidy", "", "v3"); release.State != "live" {
		t.Fatalf("%+v", release)
	}
	if images := imagesOf(t, "tidy"); len(images) != 3 {
		t.Fatalf("of five that may stay, %d images are there", len(images))
	}
	eventually(t, 20*time.Second, "the old instances to be gone", func() bool { return len(containers(t, "tidy")) == 1 })
	time.Sleep(patience.Of(3 * time.Second)) // who removed the last of them looks at old images next, still by the old rule
	status, err := berth.Send(t.Context(), o.token, http.MethodPatch, "/api/v1/disks", `{"releases": 1, "pulled_days": 1, "cache_days": 3650, "cache_gb": 1}`, nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("keep one release: %d, %v", status, err)
	}
	t.Cleanup(func() {
		_, _ = berth.Send(t.Context(), o.token, http.MethodPatch, "/api/v1/disks", `{"releases": 5, "pulled_days": 7, "cache_days": 0, "cache_gb": 10}`, nil)
	})
	state := o.clean()
	if images := imagesOf(t, "tidy"); len(images) != 1 {
		t.Errorf("after the clean-up there are %d images", len(images))
	}
	if !slices.ContainsFunc(state.CleanUp.Freed, func(freed struct {
		Kind  string `json:"kind"`
		Count int64  `json:"count"`
		Bytes int64  `json:"bytes"`
	},
	) bool {
		return freed.Kind == "images" && freed.Count >= 2 && freed.Bytes > 0
	}) {
		t.Errorf("it says that it freed %+v", state.CleanUp.Freed)
	}
	answers(t, 5*time.Second, "/tidy/", "testapp v3")
	for what, there := range everything {
		if !there() {
			t.Errorf("%s is gone", what)
		}
	}
}

// strangers makes objects of every kind that are not the stack's: without a label, and
// with the labels of another stack. Each name comes with a look for it.
func strangers(t *testing.T) map[string]func() bool {
	t.Helper()
	t.Setenv("DOCKER_BUILDKIT", "0") // which needs no plugin of the client
	name := berth.Name + "-stranger"
	everything := make(map[string]func() bool)
	note := func(what string, look ...string) {
		everything[what] = func() bool { _, err := stack.DockerOutput(look...); return err == nil }
	}
	made := func(arguments ...string) string {
		t.Helper()
		text, err := stack.Docker(arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	removed := func(arguments ...string) {
		t.Cleanup(func() { _, _ = stack.DockerOutput(arguments...) })
	}
	foreign := []string{"--label", "berth.stack=" + name, "--label", "berth.app=tidy", "--label", "berth.release=1"}
	for suffix, labels := range map[string][]string{"plain": nil, "labelled": foreign} {
		folder := strangersFolder(t, suffix+" one")
		tag := name + "-" + suffix + ":1"
		build := slices.Concat([]string{"build", "--quiet", "--tag", tag}, labels, []string{"--label", "berth.role=build", folder})
		if labels == nil {
			build = []string{"build", "--quiet", "--tag", tag, folder}
		}
		dangling := made(build...)
		strangersContent(t, folder, suffix+" two")
		made(build...)
		removed("image", "rm", "--force", tag, dangling)
		note("the image "+tag, "image", "inspect", tag)
		note("the untagged image of "+suffix, "image", "inspect", dangling)

		container := name + "-" + suffix
		made(slices.Concat([]string{"create", "--name", container, "--label", "berth.role=app"}, labels, []string{tag})...)
		removed("rm", "--force", container)
		note("the container "+container, "container", "inspect", container)

		made(slices.Concat([]string{"volume", "create"}, labels, []string{container})...)
		removed("volume", "rm", "--force", container)
		note("the volume "+container, "volume", "inspect", container)

		made(slices.Concat([]string{"network", "create"}, labels, []string{container})...)
		removed("network", "rm", container)
		note("the network "+container, "network", "inspect", container)

		everything["the build cache of "+suffix] = func() bool {
			text, err := stack.DockerOutput("build", folder)
			return err == nil && strings.Contains(text, "Using cache")
		}
	}
	return everything
}

// strangersFolder is a folder that builds an image with that content.
func strangersFolder(t *testing.T, content string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte("FROM scratch\nCOPY content /content\nCMD [\"/content\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	strangersContent(t, folder, content)
	return folder
}

func strangersContent(t *testing.T, folder, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "content"), []byte(berth.Name+" "+content), 0o600); err != nil {
		t.Fatal(err)
	}
}
