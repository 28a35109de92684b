//go:build integration

package docker

import (
	"strings"
	"testing"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// base has a shell, which an image of the test app alone lacks.
const base = "FROM python:3.11-slim\nCOPY app /app\n"

// wantAnswers asks the app in the instance to read or write paths.
func wantAnswers(t *testing.T, engine *Engine, instance link.Instance, verb, want string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if got := ask(t, engine, instance, verb, "path", path); got != want {
			t.Errorf("%s %s: %q, want %q", verb, path, got, want)
		}
	}
}

func TestStart_DeclaredVolumeIsFilledForItsUserAndGoesWithTheInstance(t *testing.T) {
	engine := openTest(t)
	before := volumeNames(t, engine)
	instance := mustStart(t, engine, "hello", base+
		"RUN useradd -u 1500 web && mkdir /data && echo seed >/data/seed && chown -R web /data\nVOLUME /data /tmp /var/lib/thing/\nUSER web\nCMD [\"/app\"]\n")
	wantAnswers(t, engine, instance, "/read", "seed\n", "/data/seed")
	wantAnswers(t, engine, instance, "/write", "written", "/data/x", "/data/seed", "/var/lib/thing/x", "/tmp/x")
	if size, err := engine.LayerSize(t.Context(), instance.Name); err != nil || size < int64(len("written")) {
		t.Errorf("what it writes is not seen: %d, %v", size, err)
	}
	if err := engine.Restart(t.Context(), instance.Name, 0); err != nil {
		t.Fatal(err)
	}
	wantAnswers(t, engine, instance, "/read", "written", "/data/x")
	if mounts := ask(t, engine, instance, "/read", "path", "/proc/self/mounts"); !strings.Contains(mounts, "tmpfs /tmp tmpfs rw") {
		t.Errorf("/tmp is not in memory:\n%s", mounts)
	}
	if err := engine.Retire(t.Context(), instance.Name, 0); err != nil {
		t.Fatal(err)
	}
	if after := volumeNames(t, engine); len(after) > len(before) {
		t.Errorf("volumes are left behind")
	}
}

func TestStart_DeclaredVolumeOfRootBelongsToTheServicesUser(t *testing.T) {
	engine := openTest(t)
	dockerfile := base + "RUN mkdir -p /data/deep && echo seed >/data/deep/seed && ln -s /etc/passwd /data/link\nVOLUME /data\nCMD [\"/app\"]\n"
	instance := mustStart(t, engine, "hello", dockerfile)
	wantAnswers(t, engine, instance, "/read", "seed\n", "/data/deep/seed")
	wantAnswers(t, engine, instance, "/write", "written", "/data/x", "/data/deep/seed", "/data/deep/y")
	if got := ask(t, engine, instance, "/write", "path", "/data/link"); got == "written" {
		t.Error("the image's accounts were written through a link in the volume")
	}
}

func TestStart_NamedVolumeIsFilledOnceForTheServicesUser(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", base+"RUN mkdir -p /data /empty && echo seed >/data/seed\nVOLUME /data\nCMD [\"/app\"]\n")
	volumes := map[string]string{"data": engine.link.Stack + "-vol-data", "empty": engine.link.Stack + "-vol-empty"}
	for _, name := range volumes {
		labelledVolume(t, engine, name)
	}
	service := plan.Service{Name: "store", Mounts: []plan.Mount{{Volume: "data", Target: "/data"}, {Volume: "empty", Target: "/empty"}}}
	store := startService(t, engine, image, service, func(o *StartOptions) { o.Volumes = volumes })
	wantAnswers(t, engine, store, "/read", "seed\n", "/data/seed")
	wantAnswers(t, engine, store, "/write", "written", "/data/seed", "/empty/x")
	if err := engine.Retire(t.Context(), store.Name, 0); err != nil {
		t.Fatal(err)
	}
	store = startService(t, engine, image, service, func(o *StartOptions) { o.Volumes = volumes })
	wantAnswers(t, engine, store, "/read", "written", "/data/seed", "/empty/x")
	wantAnswers(t, engine, store, "/write", "written", "/data/new", "/empty/y")
}

func TestStart_TmpfsIsWritableForTheServicesUser(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", base+"RUN mkdir -p /cache && chmod 700 /cache\nCMD [\"/app\"]\n")
	service := plan.Service{Name: "web", Tmpfs: []plan.Tmpfs{{Target: "/run", Bytes: 1 << 20, Mode: 0o1777}, {Target: "/cache", Bytes: 1 << 20}}}
	web := startService(t, engine, image, service, nil)
	wantAnswers(t, engine, web, "/write", "written", "/run/x", "/cache/x")
}
