//go:build integration

package docker

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/plan"
)

// ask sends a request to the test app in the instance, from the host.
func ask(t *testing.T, engine *Engine, instance link.Instance, path, parameter, value string) string {
	t.Helper()
	var address string
	for _, endpoint := range mustInspect(t, engine, instance.ID).NetworkSettings.Networks {
		address = endpoint.IPAddress
	}
	return askAddress(t, address, path, parameter, value)
}

func askAddress(t *testing.T, address, path, parameter, value string) string {
	t.Helper()
	target := "http://" + address + ":8000" + path + "?" + url.Values{parameter: {value}}.Encode()
	var body string
	eventually(t, "the app answers", func() bool {
		response, err := http.Get(target)
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		body = string(content)
		return err == nil
	})
	return body
}

func TestStart_EngineHoldsThePolicy(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	found := mustInspect(t, engine, instance.ID)
	host := found.HostConfig
	for what, pair := range map[string][2]any{
		"memory":           {host.Memory, int64(512 << 20)},
		"memory and swap":  {host.MemorySwap, int64(512 << 20)},
		"CPU":              {host.NanoCPUs, int64(500_000_000)},
		"processes":        {*host.PidsLimit, int64(100)},
		"dropped":          {[]string(host.CapDrop), []string{"ALL"}},
		"security":         {host.SecurityOpt, []string{"no-new-privileges:true"}},
		"read-only":        {host.ReadonlyRootfs, true},
		"tmpfs":            {host.Tmpfs, map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=100m"}},
		"logs":             {host.LogConfig, container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}}},
		"init":             {*host.Init, true},
		"restart":          {string(host.RestartPolicy.Name), "unless-stopped"},
		"user":             {found.Config.User, "65534:65534"},
		"network":          {string(host.NetworkMode), engine.link.Stack + "-app-hello"},
		"IPC":              {string(host.IpcMode), "private"},
		"privileged":       {host.Privileged, false},
		"published ports":  {len(host.PortBindings), 0},
		"publish all":      {host.PublishAllPorts, false},
		"links":            {len(host.Links), 0},
		"binds":            {len(host.Binds), 0},
		"devices":          {len(host.Devices), 0},
		"PID":              {string(host.PidMode), ""},
		"UTS":              {string(host.UTSMode), ""},
		"user namespace":   {string(host.UsernsMode), ""},
		"memory kill":      {host.OomKillDisable == nil || !*host.OomKillDisable, true},
		"number of routes": {len(found.NetworkSettings.Networks), 1},
		"mounts":           {len(found.Mounts), 0},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: engine holds %v, policy says %v", what, pair[0], pair[1])
		}
	}
	// Engines differ in whether they write the prefix.
	if len(host.CapAdd) != 1 || strings.TrimPrefix(host.CapAdd[0], "CAP_") != "NET_BIND_SERVICE" {
		t.Errorf("added capabilities %v", host.CapAdd)
	}
	if !slices.Contains(host.MaskedPaths, "/proc/kcore") || !slices.Contains(host.ReadonlyPaths, "/proc/sys") {
		t.Errorf("masked %v, read-only %v", host.MaskedPaths, host.ReadonlyPaths)
	}
}

func TestStart_ProcessSeesThePolicy(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	status := strings.ReplaceAll(ask(t, engine, instance, "/read", "path", "/proc/self/status"), "\t", " ")
	for _, want := range []string{
		"Uid: 65534 65534 65534 65534",
		"Gid: 65534 65534 65534 65534",
		"CapEff: 0000000000000000", // not root: nothing but what is ambient
		"CapPrm: 0000000000000000",
		"CapBnd: 0000000000000400", // NET_BIND_SERVICE alone
		"NoNewPrivs: 1",
		"Seccomp: 2", // a filter
	} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("/proc/self/status lacks %q:\n%s", want, status)
		}
	}
	if command := ask(t, engine, instance, "/read", "path", "/proc/1/cmdline"); !strings.Contains(command, "init") {
		t.Errorf("process 1 is %q, want an init", command)
	}
	limits := strings.Join(strings.Fields(ask(t, engine, instance, "/read", "path", "/proc/self/limits")), " ")
	for _, want := range []string{"Max core file size 0 0", "Max open files 16384 16384"} {
		if !strings.Contains(limits, want) {
			t.Errorf("limits lack %q: %s", want, limits)
		}
	}
	for path, want := range map[string]string{
		"/elsewhere": "read-only file system",
		"/etc/hosts": "read-only file system",
		"/tmp/file":  "written",
	} {
		if got := ask(t, engine, instance, "/write", "path", path); !strings.Contains(got, want) {
			t.Errorf("write to %s: %q, want %q", path, got, want)
		}
	}
	mounts := ask(t, engine, instance, "/read", "path", "/proc/self/mounts")
	for _, line := range strings.Split(mounts, "\n") {
		if strings.HasPrefix(line, "tmpfs /tmp ") && !containsAll(line, "rw", "noexec", "nosuid", "nodev", "size=102400k") {
			t.Errorf("/tmp is %s", line)
		}
	}
}

func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func TestStart_WaiversLoosenWhatTheyName(t *testing.T) {
	engine := openTest(t)
	service := testService()
	service.Waivers = plan.Waivers{WritableRoot: true, RootUser: true, Capabilities: []string{"CHOWN"}}
	instance := mustStartService(t, engine, "hello", dockertest.ServeDockerfile, service)
	found := mustInspect(t, engine, instance.ID)
	if found.HostConfig.ReadonlyRootfs || found.Config.User != "0:0" || len(found.HostConfig.CapAdd) != 2 {
		t.Errorf("read-only %v, user %q, added %v", found.HostConfig.ReadonlyRootfs, found.Config.User, found.HostConfig.CapAdd)
	}
	if got := ask(t, engine, instance, "/write", "path", "/elsewhere"); got != "written" {
		t.Errorf("write = %q", got)
	}
}

func TestStart_PortVariableIsTheChosenPort(t *testing.T) {
	engine := openTest(t)
	for app, test := range map[string]struct {
		lines, want string
		port        uint16
	}{
		"exposed": {"EXPOSE 9000", "PORT=9000", 9000},
		"own":     {"EXPOSE 9000\nENV PORT=9001", "PORT=9001", 9000},
		"silent":  {"", "PORT=8000", 8000},
	} {
		instance := mustStart(t, engine, app, "FROM scratch\nCOPY app /app\n"+test.lines+"\nCMD [\"/app\"]\n")
		found := mustInspect(t, engine, instance.ID)
		var ports []string
		for _, variable := range found.Config.Env {
			if strings.HasPrefix(variable, "PORT=") {
				ports = append(ports, variable)
			}
		}
		if !slices.Equal(ports, []string{test.want}) || instance.Port != test.port {
			t.Errorf("%s: variables %v, port %d", app, ports, instance.Port)
		}
	}
}

func TestStart_UserNameThatIsRootIsNobody(t *testing.T) {
	engine := openTest(t)
	for app, test := range map[string]struct{ passwd, user, want string }{
		"honest":   {"app:x:1000:1000::/:/none\n", "app", "1000:1000"},
		"disguise": {"root:x:0:0::/:/none\napp:x:0:1000::/:/none\n", "app", plan.Nobody},
		"broken":   {"app:x:\n", "app", plan.Nobody},
		"padded":   {" app:x:00:1000::/:/none\n", "app:1000", plan.Nobody},
		"number":   {"app:x:1000:1000::/:/none\n", "1000:0", "1000:0"},
	} {
		files := dockertest.App(t, "FROM scratch\nCOPY app /app\nCOPY passwd /etc/passwd\nUSER "+test.user+"\nCMD [\"/app\"]\n")
		files["passwd"] = test.passwd
		image, err := engine.Build(t.Context(), buildOptions(app, 1, files), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		instance, err := engine.Start(t.Context(), StartOptions{
			App: app, Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, app),
		})
		if err != nil {
			t.Errorf("%s: %v", app, err)
			continue
		}
		if got := mustInspect(t, engine, instance.ID).Config.User; got != test.want {
			t.Errorf("%s: user %q, want %q", app, got, test.want)
		}
		if status := ask(t, engine, instance, "/read", "path", "/proc/self/status"); strings.Contains(status, "Uid:\t0") {
			t.Errorf("%s runs as root", app)
		}
	}
}

func TestStart_UserNameBehindASymlinkIsNobody(t *testing.T) {
	engine := openTest(t)
	files := dockertest.App(t, "FROM scratch AS files\nCOPY app /app\nCOPY passwd /etc/real\nRUN [\"/app\", \"link\", \"/etc/real\", \"/etc/passwd\"]\nUSER app\nCMD [\"/app\"]\n")
	files["passwd"] = "app:x:0:0::/:/none\n"
	image, err := engine.Build(t.Context(), buildOptions("hello", 1, files), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	instance, err := engine.Start(t.Context(), StartOptions{
		App: "hello", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustInspect(t, engine, instance.ID).Config.User; got != plan.Nobody {
		t.Errorf("user %q, want nobody", got)
	}
}

func TestStart_UserNameWithoutAPasswdFileIsNobody(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", "FROM scratch\nCOPY app /app\nUSER nobody\nCMD [\"/app\"]\n")
	if got := mustInspect(t, engine, instance.ID).Config.User; got != plan.Nobody {
		t.Errorf("user %q, want nobody", got)
	}
}

// A named pipe there made the engine wait for ever, with the container locked.
func TestStart_AccountsThatAreNoFileAreRefusedBeforeTheEngineReadsThem(t *testing.T) {
	engine := openTest(t)
	for app, test := range map[string]struct{ make, words string }{
		"pipe":   {"rm /etc/passwd && mkfifo /etc/passwd", "/etc/passwd is a named pipe"},
		"group":  {"rm /etc/group && mkfifo /etc/group", "/etc/group is a named pipe"},
		"linked": {"mkfifo /pipe && ln -s /pipe /second && ln -sf ../second /etc/passwd", "/etc/passwd, which leads to /pipe, is a named pipe"},
		"folder": {"rm /etc/passwd && mkdir /etc/passwd", "/etc/passwd is a folder"},
		"huge":   {"truncate -s 2M /etc/passwd", "/etc/passwd is larger than"},
	} {
		// The engine itself opens the file for a step of a build that comes after it.
		image := mustBuild(t, engine, app, "FROM python:3.11-slim\nCOPY app /app\nRUN "+test.make+"\nUSER 1000:1000\nCMD [\"/app\"]\n")
		_, err := engine.Start(t.Context(), StartOptions{
			App: app, Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, app),
		})
		refused, ok := errors.AsType[*plan.Refusal](err)
		if !ok || !strings.Contains(refused.Reason, test.words) {
			t.Errorf("%s: %v, want a refusal with %q", app, err, test.words)
		}
		if err := engine.RemoveApp(t.Context(), app); err != nil {
			t.Errorf("%s: %v", app, err)
		}
	}
	assertNoInstance(t, engine)
}

// The image's users are read from itself, and not from a volume that its links put there.
// A link as /etc itself is none of the cases: the engine makes a folder of it.
func TestStart_VolumeBehindALinkIsNeverTheImagesAccounts(t *testing.T) {
	engine := openTest(t)
	if err := engine.CreateVolume(t.Context(), "accounts", ""); err != nil {
		t.Fatal(err)
	}
	for app, test := range map[string]struct{ make, words string }{
		"under": {"mkdir etc && ln -s /etc data", "keeps its /etc/passwd in /data"},
		"inner": {"mkdir -p etc/ssl && ln -s /etc/ssl data", "is a link to /etc/ssl"},
		"proc":  {"mkdir -p proc/sys && ln -s ../proc/sys data", "is a link to /proc/sys"},
	} {
		image := mustBuild(t, engine, app, "FROM python:3.11-slim AS made\nWORKDIR /made\nRUN "+test.make+"\n"+
			"FROM scratch\nCOPY --from=made /made /\nCOPY app /app\nUSER app\nCMD [\"/app\"]\n")
		_, err := engine.Start(t.Context(), StartOptions{
			App: app, Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, app),
			Mounts: []Mount{{Volume: "accounts", Target: "/data"}},
		})
		refused, ok := errors.AsType[*plan.Refusal](err)
		if !ok || !strings.Contains(refused.Reason, test.words) {
			t.Errorf("%s: %v, want a refusal with %q", app, err, test.words)
		}
	}
	assertNoInstance(t, engine)
}

func TestStart_GivesTheEngineNumbersAndTheUsersGroups(t *testing.T) {
	engine := openTest(t)
	instance := mustStart(t, engine, "hello", "FROM python:3.11-slim\nCOPY app /app\n"+
		"RUN echo 'app:x:1500:1600::/:/bin/sh' >> /etc/passwd && echo 'team:x:1700:app' >> /etc/group\nUSER app\nCMD [\"/app\"]\n")
	found := mustInspect(t, engine, instance.ID)
	if found.Config.User != "1500:1600" || !slices.Equal(found.HostConfig.GroupAdd, []string{"1700"}) {
		t.Errorf("user %q, groups %q", found.Config.User, found.HostConfig.GroupAdd)
	}
	status := ask(t, engine, instance, "/read", "path", "/proc/self/status")
	if !strings.Contains(status, "Uid:\t1500\t") || !strings.Contains(status, "Groups:\t1600 1700") {
		t.Errorf("it runs as\n%s", status)
	}
}

func TestStart_WhatRunsAsRootAllTheSameIsStopped(t *testing.T) {
	engine := openTest(t)
	service := testService()
	service.Waivers.RootUser = true
	instance, err := engine.Start(t.Context(), StartOptions{
		App: "hello", Release: 1, Service: service, Network: mustNetwork(t, engine, "hello"),
		Image: mustBuild(t, engine, "hello", "FROM scratch\nCOPY app /app\nUSER 0\nCMD [\"/app\"]\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.checkNotRoot(t.Context(), instance.ID); !errors.Is(err, errRoot) {
		t.Errorf("got %v", err)
	}
}

func TestStart_UnknownUserIsTheImagesFault(t *testing.T) {
	engine := openTest(t)
	files := dockertest.App(t, "FROM scratch\nCOPY app /app\nCOPY passwd /etc/passwd\nUSER ghost\nCMD [\"/app\"]\n")
	files["passwd"] = "root:x:0:0::/:/none\n"
	image, err := engine.Build(t.Context(), buildOptions("hello", 1, files), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Start(t.Context(), StartOptions{
		App: "hello", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "hello"),
	})
	refused, ok := errors.AsType[*StartError](err)
	if !ok || !strings.Contains(refused.Message, `"ghost"`) {
		t.Fatalf("Start() = %v", err)
	}
	assertNoInstance(t, engine)
}

func TestStart_ImageWithoutCommandIsTheImagesFault(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", "FROM scratch\nCOPY app /app\n")
	_, err := engine.Start(t.Context(), StartOptions{
		App: "hello", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "hello"),
	})
	if refused, ok := errors.AsType[*StartError](err); !ok || !strings.Contains(refused.Message, "no command") {
		t.Fatalf("Start() = %v", err)
	}
	assertNoInstance(t, engine)
}

func volumeNames(t *testing.T, engine *Engine) []string {
	t.Helper()
	found, err := engine.link.API(t.Context()).VolumeList(t.Context(), volume.ListOptions{Filters: filters.NewArgs()})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range found.Volumes {
		names = append(names, v.Name)
	}
	return names
}

func TestStart_ReplacesAFormerContainerOfTheSameRelease(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", dockertest.ServeDockerfile)
	options := StartOptions{App: "hello", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "hello")}
	first, err := engine.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	second, err := engine.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != second.Name || first.ID == second.ID || first.Name != engine.link.Stack+"-hello-r1" {
		t.Errorf("first %s %s, second %s %s", first.Name, first.ID, second.Name, second.ID)
	}
	options.Release, options.Name = 2, first.Name
	if _, err := engine.Start(t.Context(), options); err == nil {
		t.Error("the container of another release was replaced")
	}
}

func TestStart_OwnLabelsWinOverTheGivenOnes(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", dockertest.ServeDockerfile)
	started, err := engine.Start(t.Context(), StartOptions{
		App: "hello", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "hello"),
		Labels: map[string]string{"traefik.enable": "true", link.LabelApp: "victim"},
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := engine.Inspect(t.Context(), started.Name)
	if err != nil {
		t.Fatal(err)
	}
	if found.App != "hello" || found.Release != 1 || found.Service != plan.MainService || found.Port != 8000 || found.Labels["traefik.enable"] != "true" {
		t.Errorf("instance %+v", found)
	}
	if started.Image != found.Image || !found.Condition.Running {
		t.Errorf("started %+v, found %+v", started, found)
	}
}

func assertNoInstance(t *testing.T, engine *Engine) {
	t.Helper()
	if instances, err := engine.Instances(t.Context()); err != nil || len(instances) > 0 {
		t.Errorf("Instances() = %v, %v; want none", instances, err)
	}
}
