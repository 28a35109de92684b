package planner

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/plan"
	"berth/controller/problem/problemtest"
)

func TestParseImageReference_AcceptsWhatPeopleWrite(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for text, want := range map[string]plan.ImageReference{
		"nginx:1.27":                  "docker.io/library/nginx:1.27",
		"traefik/whoami:v1.10":        "docker.io/traefik/whoami:v1.10",
		"ghcr.io/owner/app:2":         "ghcr.io/owner/app:2",
		"localhost:5000/a/b:latest":   "localhost:5000/a/b:latest",
		"nginx@" + digest:             "docker.io/library/nginx@" + digest,
		"ghcr.io/owner/a:1@" + digest: "ghcr.io/owner/a:1@" + digest,
	} {
		if got, err := plan.ParseImageReference(text); err != nil || got != want {
			t.Errorf("%s is read as %q, %v", text, got, err)
		}
	}
}

func TestParseImageReference_RefusesTheRest(t *testing.T) {
	for _, text := range []string{
		"", " nginx:1", "nginx:1\n", "Nginx:1", "nginx:", "nginx:a b", "https://ghcr.io/a:1", "../a:1", "nginx:1;ls", "$(id):1", "-v:1", "nginx@sha256:12", "a//b:1", "{{ env }}:1",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	} {
		_, err := plan.ParseImageReference(text)
		problemtest.MustRefuse(t, err, "", 0, "not the name of an image")
	}
	_, err := plan.ParseImageReference("ghcr.io/owner/app")
	problemtest.MustRefuse(t, err, "", 0, "has no tag")
}

func FuzzParseImageReference(f *testing.F) {
	f.Add("nginx:1.27")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := plan.ParseImageReference(text)
		if err != nil {
			return
		}
		if again, err := plan.ParseImageReference(string(parsed)); err != nil || again != parsed {
			t.Errorf("%q is read as %q, and that as %q, %v", text, parsed, again, err)
		}
	})
}

func TestFromImage_PlansOneHardenedService(t *testing.T) {
	image, err := plan.ParseImageReference("nginx:1.27")
	if err != nil {
		t.Fatal(err)
	}
	made, err := plan.FromImage(image, plan.Options{Port: 80, Limits: plan.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	service := made.Services[0]
	if made.Main != service.Name || service.Image != "docker.io/library/nginx:1.27" || service.Port != 80 || service.Build.Generated != nil {
		t.Errorf("got %+v", made)
	}
	_, err = plan.FromImage(image, plan.Options{})
	problemtest.MustRefuse(t, err, "", 0, "would mean no limit")
}

func TestRegistries_OnlyPublicOnesAreAskedUnlessTheOperatorNamesThem(t *testing.T) {
	for _, image := range []string{"localhost/a:1", "127.0.0.1:5000/a:1", "registry:5000/a:1", "10.0.0.1/a:1", "169.254.169.254/a:1", "[::1]:5000/a:1", "[fd00::1]/a:1", "2130706433:80/a:1", "r.internal/a:1", "R.LAN:5000/a:1", "0.0.0.0:5000/a:1"} {
		_, byForm := plan.FromImage(plan.ImageReference(image), options)
		_, byFile := composed(t, "services:\n  web:\n    image: \""+image+"\"\n", plan.Options{})
		for _, err := range []error{byForm, byFile} {
			refusal, ok := errors.AsType[*plan.Refusal](err)
			if !ok || !strings.Contains(refusal.Hint, "BERTH_REGISTRIES") {
				t.Errorf("%s: got %v", image, err)
			}
		}
		host, _, _ := strings.Cut(image, "/")
		allowed := options
		allowed.Registries = []string{strings.ToLower(host)}
		if _, err := plan.FromImage(plan.ImageReference(image), allowed); err != nil {
			t.Errorf("%s though allowed: %v", image, err)
		}
	}
	for _, image := range []string{"nginx:1", "docker.io/library/nginx:1", "ghcr.io/a/b:1", "registry.example.com:5000/a:1", "8.8.8.8/a:1"} {
		if _, err := plan.FromImage(plan.ImageReference(image), options); err != nil {
			t.Errorf("%s: %v", image, err)
		}
	}
}
