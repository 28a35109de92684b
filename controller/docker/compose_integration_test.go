//go:build integration

package docker

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/plan"
)

// startService starts a service of an app of several, on the app's network.
func startService(t *testing.T, engine *Engine, image images.Image, service plan.Service, change func(*StartOptions)) link.Instance {
	t.Helper()
	service.Limits = plan.DefaultLimits()
	options := StartOptions{App: "shop", Release: 1, Service: service, Image: image, Network: mustNetwork(t, engine, "shop")}
	if change != nil {
		change(&options)
	}
	instance, err := engine.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

func TestStart_ServicesReachEachOtherByNameAndAlias(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	web := startService(t, engine, image, plan.Service{Name: "web", Aliases: []string{"web"}}, nil)
	startService(t, engine, image, plan.Service{Name: "store", Aliases: []string{"database", "store"}, Internal: true, Environment: []string{"VERSION=7"}}, nil)
	for _, name := range []string{"store", "database", engine.link.Stack + "-shop-r1.store"} {
		eventually(t, name+" answers web", func() bool {
			return strings.TrimSpace(ask(t, engine, web, "/get", "url", "http://"+name+":8000/")) == "hello 7"
		})
	}
}

func TestStart_EngineHoldsWhatAServiceAsks(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	store := startService(t, engine, image, plan.Service{
		Name: "store", Internal: true, User: "1000:1000", Hostname: "store-1", WorkingDir: "/tmp",
		Entrypoint: []string{"/app"}, Command: []string{"serve"},
		Labels:     map[string]string{"com.example": "x", link.LabelApp: "forged"},
		Stop:       plan.Stop{Signal: "SIGINT", Grace: 30 * time.Second},
		Restart:    plan.Restart{Mode: plan.OnFailure, Retries: 3},
		Health:     &plan.Healthcheck{Test: []string{"CMD", "/app", "health"}, Interval: time.Second, Timeout: time.Second, Retries: 5, StartInterval: time.Second},
		ExtraHosts: []string{"far:192.0.2.7"}, Sysctls: map[string]string{"net.core.somaxconn": "1024"},
		Tmpfs:    []plan.Tmpfs{{Target: "/cache", Bytes: 1 << 20, Mode: 0o700}},
		ShmBytes: 32 << 20, ReservedBytes: 64 << 20, Ulimits: []plan.Ulimit{{Name: "nofile", Soft: 100, Hard: 200}},
		DropBind: true, WithoutInit: true,
	}, nil)
	found := mustInspect(t, engine, store.ID)
	host, config := found.HostConfig, found.Config
	if config.User != "1000:1000" || config.Hostname != "store-1" || config.WorkingDir != "/tmp" || config.StopSignal != "SIGINT" || *config.StopTimeout != 30 ||
		config.Labels["com.example"] != "x" || config.Labels[link.LabelApp] != "shop" {
		t.Errorf("config %+v", config)
	}
	if host.RestartPolicy != (container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}) || host.ShmSize != 32<<20 || host.MemoryReservation != 64<<20 ||
		!slices.Equal(host.ExtraHosts, []string{"far:192.0.2.7"}) || host.Sysctls["net.core.somaxconn"] != "1024" || *host.Init || len(host.CapAdd) != 0 {
		t.Errorf("host config %+v", host)
	}
	if host.Tmpfs["/cache"] != "rw,noexec,nosuid,nodev,size=1048576,mode=700,uid=1000,gid=1000" || len(host.Ulimits) != 2 {
		t.Errorf("tmpfs %v, ulimits %v", host.Tmpfs, host.Ulimits)
	}
	if images.HasVariable(config.Env, images.PortVariable) {
		t.Error("a service for others is told a port")
	}
	eventually(t, "the health check passes", func() bool {
		instance, err := engine.Inspect(t.Context(), store.Name)
		return err == nil && instance.Condition.Health == "healthy"
	})
}

func TestStart_MountsNamedVolumes(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", "FROM scratch\nCOPY app /app\nVOLUME /data /other\nCMD [\"/app\"]\n")
	name := engine.link.Stack + "-vol-data"
	labelledVolume(t, engine, name)
	service := plan.Service{Name: "store", Mounts: []plan.Mount{{Volume: "data", Target: "/data"}, {Volume: "data", Target: "/again", ReadOnly: true}}}
	store := startService(t, engine, image, service, func(o *StartOptions) { o.Volumes = map[string]string{"data": name} })
	var volumes []string
	for _, mount := range mustInspect(t, engine, store.ID).Mounts {
		volumes = append(volumes, string(mount.Type)+" "+mount.Name+" "+mount.Destination)
	}
	for _, want := range []string{"volume " + name + " /data", "volume " + name + " /again"} {
		if !slices.Contains(volumes, want) {
			t.Errorf("mounts %v", volumes)
		}
	}
	if got := ask(t, engine, store, "/write", "path", "/again/x"); !strings.Contains(got, "read-only") {
		t.Errorf("write = %q", got)
	}
	service.Limits = plan.DefaultLimits()
	if _, err := engine.Start(t.Context(), StartOptions{App: "shop", Release: 2, Service: service, Image: image, Network: mustNetwork(t, engine, "shop")}); err == nil {
		t.Error("a volume that nobody gave was mounted")
	}
}

func labelledVolume(t *testing.T, engine *Engine, name string) {
	t.Helper()
	api := engine.link.API(t.Context())
	if _, err := api.VolumeCreate(t.Context(), volumetypes.CreateOptions{Name: name, Labels: map[string]string{link.LabelStack: engine.link.Stack}}); err != nil {
		t.Fatal(err)
	}
}

func filesService() plan.Service {
	return plan.Service{
		Name: "web", Environment: []string{"TOKEN=a-" + plan.SecretReference("TOKEN")}, User: "1000:1000", Aliases: []string{"web"},
		Files: []plan.File{
			{Path: "/etc/app/page.html", Mode: 0o400, Content: []byte("<p>hello")},
			{Path: "/run/secrets/key", Mode: 0o400, Content: []byte("key is " + plan.SecretReference("key")), Private: true},
			{Path: "/run/secrets/other", Mode: 0o400, UID: "7", Content: []byte("x"), Private: true},
			{Path: "/etc/app/key.ini", Link: "/run/secrets/key"},
		},
	}
}

var filesSecrets = map[string]string{"TOKEN": "t0ken-value", "key": "k3y-value"}

func TestStart_FilesAreThereBeforeTheProcess(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	web := startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets })
	for path, want := range map[string]string{
		"/etc/app/page.html": "<p>hello", "/run/secrets/key": "key is k3y-value", "/etc/app/key.ini": "key is k3y-value", "/run/secrets/other": "open /run/secrets/other: permission denied\n",
	} {
		if got := ask(t, engine, web, "/read", "path", path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got := ask(t, engine, web, "/environment", "", ""); !strings.Contains(got, "TOKEN=a-t0ken-value\n") {
		t.Errorf("environment %q", got)
	}
	if mounts := ask(t, engine, web, "/read", "path", "/proc/self/mounts"); !strings.Contains(mounts, "tmpfs /run/secrets tmpfs ro") {
		t.Errorf("the secrets are not in memory, read-only:\n%s", mounts)
	}
	if got := ask(t, engine, web, "/write", "path", "/run/secrets/key"); !strings.Contains(got, "denied") && !strings.Contains(got, "read-only") {
		t.Errorf("write = %q", got)
	}
	instances, err := engine.Instances(t.Context())
	if err != nil || len(instances) != 1 {
		t.Errorf("instances %v, %v: the keeper is not one", instances, err)
	}
	found := mustInspect(t, engine, web.ID)
	if !found.HostConfig.ReadonlyRootfs {
		t.Error("the root can be written to")
	}
}

func TestStart_SecretFilesOutliveARestart(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	web := startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets })
	if err := engine.Restart(t.Context(), web.Name, time.Second); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, engine, web, "/read", "path", "/run/secrets/key"); got != "key is k3y-value" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestEnsureSecrets_PutsThemBackAfterTheKeeperEnded(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	var options StartOptions
	web := startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets; options = *o })
	// Both end, as when the machine restarts.
	api := engine.link.API(t.Context())
	for _, name := range []string{web.Name, web.Name + secretsSuffix} {
		if err := api.ContainerStop(t.Context(), name, stopOptions(0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := engine.Resume(t.Context(), web.Name); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, engine, web, "/read", "path", "/run/secrets/key"); !strings.Contains(got, "no such file") {
		t.Errorf("the tmpfs outlived both: %q", got)
	}
	for range 2 {
		if err := engine.EnsureSecrets(t.Context(), options); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, engine, web, "/read", "path", "/run/secrets/key"); got != "key is k3y-value" {
			t.Errorf("after EnsureSecrets: %q", got)
		}
	}
}

func TestStart_ReplacesAnInterruptedAttemptThatHasSecrets(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	withSecrets := func(o *StartOptions) { o.Secrets = filesSecrets }
	first := startService(t, engine, image, filesService(), withSecrets)
	second := startService(t, engine, image, filesService(), withSecrets)
	if first.ID == second.ID {
		t.Error("the former container was not replaced")
	}
	if got := ask(t, engine, second, "/read", "path", "/run/secrets/key"); got != "key is k3y-value" {
		t.Errorf("the new one reads %q", got)
	}
}

func TestStart_ImageWithFilesHasItsOwnLabelsAndNoHelperStays(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	web := startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets })
	found, err := engine.link.API(t.Context()).ImageInspect(t.Context(), mustInspect(t, engine, web.ID).Image)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range engine.link.OwnLabels(link.RoleFiles, "shop", 1) {
		if got := found.Config.Labels[key]; got != want {
			t.Errorf("label %s is %q, want %q", key, got, want)
		}
	}
	if found.Config.Labels[link.LabelFiles] == "" || found.Config.Labels[link.LabelService] != web.Service {
		t.Errorf("labels %v", found.Config.Labels)
	}
	if left := helpersOf(t, engine); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}

func TestRetire_LeavesNothingOfItsFiles(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	web := startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets })
	if err := engine.Retire(t.Context(), web.Name, 0); err != nil {
		t.Fatal(err)
	}
	assertNoFiles(t, engine)
	if _, err := engine.FindImage(t.Context(), image.ID); err != nil {
		t.Errorf("the release's own image is gone: %v", err)
	}
	if err := engine.RemoveImage(t.Context(), image.ID); err != nil {
		t.Error(err)
	}
}

func TestRemoveApp_TakesFilesAndSecretsToo(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	startService(t, engine, image, filesService(), func(o *StartOptions) { o.Secrets = filesSecrets })
	if err := engine.RemoveApp(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	assertNoFiles(t, engine)
	if _, err := engine.FindImage(t.Context(), image.ID); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("FindImage() = %v", err)
	}
}

// What a process leaves that is killed while it puts files into an image has the app's image.
func TestRemoveApp_TakesContainersOfEveryRole(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	kept := createFrom(t, engine, image, engine.link.OwnLabels(link.RoleHelper, "kept", 1))
	for _, role := range []string{link.RoleHelper, link.RoleFiles, link.RoleBuild} {
		createFrom(t, engine, image, engine.link.OwnLabels(role, "shop", 1))
	}
	if err := engine.RemoveApp(t.Context(), "shop"); err == nil || !errdefs.IsConflict(err) {
		t.Errorf("the image is gone under the container of another app: %v", err)
	}
	if err := engine.link.Remove(t.Context(), mustInspect(t, engine, kept).ID); err != nil {
		t.Fatal(err)
	}
	if err := engine.RemoveApp(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	left, err := engine.link.API(t.Context()).ContainerList(t.Context(), container.ListOptions{All: true, Filters: engine.link.Owned()})
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %+v, %v", left, err)
	}
	assertNoImage(t, engine)
}

// createFrom creates a container of the image that never runs.
func createFrom(t *testing.T, engine *Engine, image images.Image, labels map[string]string) string {
	t.Helper()
	created, err := engine.link.API(t.Context()).ContainerCreate(t.Context(), &container.Config{Image: image.ID, Labels: labels}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return created.ID
}

func TestStart_FailureLeavesNothingOfItsFiles(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	service := filesService()
	service.Limits, service.Entrypoint, service.WithoutInit = plan.DefaultLimits(), []string{"/nothing"}, true
	options := StartOptions{App: "shop", Release: 1, Service: service, Image: image, Network: mustNetwork(t, engine, "shop"), Secrets: filesSecrets}
	if _, err := engine.Start(t.Context(), options); err == nil {
		t.Fatal("it started")
	}
	options.Secrets = nil
	if _, err := engine.Start(t.Context(), options); err == nil {
		t.Fatal("it started without its secrets")
	}
	assertNoInstance(t, engine)
	assertNoFiles(t, engine)
}

// assertNoFiles looks for keepers, their volumes and images with files.
func assertNoFiles(t *testing.T, engine *Engine) {
	t.Helper()
	api := engine.link.API(t.Context())
	keepers, err := api.ContainerList(t.Context(), container.ListOptions{All: true, Filters: engine.link.Owned(link.LabelRole + "=" + link.RoleSecrets)})
	if err != nil || len(keepers) > 0 {
		t.Errorf("keepers %v, %v", keepers, err)
	}
	volumes, err := api.VolumeList(t.Context(), volumetypes.ListOptions{Filters: engine.link.Owned()})
	if err != nil || len(volumes.Volumes) > 0 {
		t.Errorf("volumes %v, %v", volumes.Volumes, err)
	}
	if id, err := engine.findFilesImage(t.Context(), map[string]string{}); err != nil || id != "" {
		t.Errorf("image %s, %v", id, err)
	}
}

func TestStart_RefusesTheNamesOfOtherInstances(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", dockertest.ServeDockerfile)
	for _, name := range []string{engine.link.Stack, engine.link.Stack + "-victim-r1", strings.ToUpper(engine.link.Stack) + "-victim-r1"} {
		service := plan.Service{Name: "web", Limits: plan.DefaultLimits(), Aliases: []string{name}}
		_, err := engine.Start(t.Context(), StartOptions{App: "shop", Release: 1, Service: service, Image: image, Network: mustNetwork(t, engine, "shop")})
		if _, ok := errors.AsType[*plan.Refusal](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	assertNoInstance(t, engine)
}

func TestBuild_ServicesOfOneReleaseHaveImagesOfTheirOwn(t *testing.T) {
	engine := openTest(t)
	options := buildOptions("shop", 1, dockertest.App(t, dockertest.ServeDockerfile))
	web, err := engine.Build(t.Context(), options, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	failing := dockertest.App(t, "FROM scratch\nCOPY app /other\nRUN [\"/nothing\"]\n")
	options.Service, options.Context, options.Files = "store", failing.WriteTar, failing.FS()
	if _, err := engine.Build(t.Context(), options, func(string) {}); err == nil {
		t.Fatal("it was built")
	}
	if _, err := engine.FindImage(t.Context(), web.ID); err != nil {
		t.Errorf("a failed build took its sibling's image: %v", err)
	}
}
