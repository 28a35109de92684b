//go:build integration

package broker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"berth/controller/broker"
	"berth/controller/plan"
	"berth/test/claim"
	"berth/test/patience"
)

const (
	attackedStack = "berth-attacked"
	otherStack    = "berth-attacked-other"
	secretWord    = "the-word-that-nobody-may-read"
	base          = "berth-debian:bookworm"
)

// attacker has taken the controller's process: all that it has is the socket of a broker
// that stands in front of the real engine.
type attacker struct {
	t      *testing.T
	client *http.Client
	shadow string   // what the host's file holds, and that of the image does not
	hidden string   // path of a file of the host that holds the word
	ids    []string // of what must not change
}

// TestAttacker_WithTheControllersSocketDoesNotHaveTheHost says to the broker what the
// controller can say, and more, in order to get at what is not this stack's.
func TestAttacker_WithTheControllersSocketDoesNotHaveTheHost(t *testing.T) {
	a := newAttacker(t)
	before := a.state()
	t.Run("the host's files", a.hostFiles)
	t.Run("another container's environment and files", a.otherContainers)
	t.Run("another stack's volumes and images", a.otherStacks)
	t.Run("a container that is not hardened", a.unhardened)
	t.Run("the host's network and that of the others", a.networks)
	t.Run("the proxy, the controller and the broker itself", a.ownRoles)
	if after := a.state(); after != before {
		t.Errorf("the others have changed from\n%s\nto\n%s", before, after)
	}
	if _, err := os.Stat("/tmp/berth-attacked-evil"); err == nil {
		t.Error("a file was written on the host")
	}
}

func newAttacker(t *testing.T) *attacker {
	t.Helper()
	if !claim.Name(attackedStack) {
		t.Fatal("another run of this test is under way")
	}
	a := &attacker{t: t}
	a.clean()
	t.Cleanup(a.clean)
	shadow, err := os.ReadFile("/etc/shadow")
	if err != nil {
		t.Fatalf("this test runs as root, which the broker does too: %v", err)
	}
	image := a.docker("run", "--rm", "--network", "none", "--label", "berth.attacked=yes", base, "cat", "/etc/shadow")
	a.shadow, a.hidden = string(shadow), filepath.Join(t.TempDir(), "hidden")
	for line := range strings.Lines(string(shadow)) {
		if line = strings.TrimSpace(line); !strings.Contains(image, line) {
			a.shadow = line
			break
		}
	}
	if err := os.WriteFile(a.hidden, []byte(secretWord), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, stackAndRole := range map[string][2]string{
		otherStack + "-shop-r1": {otherStack, "app"}, attackedStack + "-traefik": {attackedStack, "proxy"},
		attackedStack + "-berth": {attackedStack, "controller"}, attackedStack + "-broker": {attackedStack, "broker"}, "berth-attacked-nobodys": {"", ""},
	} {
		a.run(name, stackAndRole[0], stackAndRole[1])
	}
	a.docker("volume", "create", "--label", "berth.stack="+otherStack, "--label", "berth.role=volume", otherStack+"-vol-data")
	a.docker("volume", "create", "--label", "berth.stack="+attackedStack, "--label", "berth.role=data", attackedStack+"-data")
	a.docker("volume", "create", "--label", "berth.stack="+attackedStack, "--label", "berth.role=volume", attackedStack+"-vol-data")
	a.docker("network", "create", "--subnet", "10.253.250.0/28", "--label", "berth.stack="+attackedStack, "--label", "berth.role=edge", attackedStack+"-0-edge")
	a.docker("network", "create", "--subnet", "10.253.250.16/28", "--label", "berth.stack="+attackedStack, "--label", "berth.role=network", attackedStack+"-app-hello")
	a.docker("network", "create", "--subnet", "10.253.250.32/28", "--label", "berth.stack="+otherStack, "--label", "berth.role=network", otherStack+"-app-shop")
	a.image(attackedStack+"/hello:r1", attackedStack)
	a.image(otherStack+"/shop:r1", otherStack)
	a.client = a.serve()
	return a
}

// serve runs the broker in front of the real engine.
func (a *attacker) serve() *http.Client {
	a.t.Helper()
	socket := filepath.Join(a.t.TempDir(), "broker.sock")
	door, err := broker.Listen(broker.Options{
		Listen: socket, Engine: "/var/run/docker.sock", Logger: slog.New(slog.DiscardHandler),
		Policy: broker.Policy{Stack: attackedStack, Pool: netip.MustParsePrefix("10.253.250.0/24"), Limits: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- door.Run(ctx) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	a.t.Cleanup(func() { cancel(); <-ended; transport.CloseIdleConnections() })
	return &http.Client{Transport: transport, Timeout: patience.Of(time.Minute)}
}

// docker asks the engine itself.
func (a *attacker) docker(arguments ...string) string {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience.Of(time.Minute))
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", arguments...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("docker %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// run starts a container that holds the word in its environment, its output and a file.
func (a *attacker) run(name, stack, role string) {
	a.t.Helper()
	a.ids = append(a.ids, a.docker("run", "--detach", "--name", name, "--network", "none", "--label", "berth.attacked=yes",
		"--label", "berth.stack="+stack, "--label", "berth.role="+role, "--env", "WORD="+secretWord, base,
		"sh", "-c", "echo $WORD | tee /word; exec sleep 600"))
}

// image makes an image of a stack that holds the word, and a link to the host's file as it
// would be seen from outside of the container.
func (a *attacker) image(name, stack string) {
	a.t.Helper()
	folder := a.t.TempDir()
	dockerfile := "FROM " + base + "\nENV WORD=" + secretWord + "\nRUN ln -s /etc/shadow /link && ln -s ../../../../../../etc /etclink && ln -s " + a.hidden + " /hidden\n"
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.docker("build", "--quiet", "--network", "none", "--label", "berth.stack="+stack, "--label", "berth.role=build", "--label", "berth.attacked=yes", "--tag", name, folder)
}

func (a *attacker) clean() {
	for _, label := range []string{"berth.attacked=yes", "berth.stack=" + attackedStack, "berth.stack=" + otherStack} {
		for _, kind := range [][2]string{{"ps --all", "rm --force --volumes"}, {"network ls", "network rm"}, {"volume ls", "volume rm --force"}, {"images --all", "rmi --force"}} {
			script := fmt.Sprintf("docker %s --quiet --filter label=%s | sort -u | xargs --no-run-if-empty timeout 60 docker %s", kind[0], label, kind[1])
			_ = exec.Command("timeout", "120", "sh", "-c", script).Run()
		}
	}
}

// state is what the engine says of all that the attacker must not touch.
func (a *attacker) state() string {
	a.t.Helper()
	text := a.docker(append([]string{"inspect", "--format", "{{.Name}} {{.State.StartedAt}} {{.State.Status}} {{.RestartCount}} {{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{end}}"}, a.ids...)...)
	text += "\n" + a.docker("volume", "inspect", "--format", "{{.Name}} {{.CreatedAt}} {{.Options}}", otherStack+"-vol-data", attackedStack+"-data")
	return text + "\n" + a.docker("image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", otherStack+"/shop:r1", base)
}

// say sends one call. It fails where the broker passes on what was asked, or where the
// answer holds a secret.
func (a *attacker) say(t *testing.T, call string, body any) {
	t.Helper()
	status, text := a.ask(t, call, body)
	if status < 400 {
		t.Errorf("%s: %d %.200s", call, status, text)
	}
	a.holdsNothing(t, call, text)
}

func (a *attacker) holdsNothing(t *testing.T, call, text string) {
	t.Helper()
	if strings.Contains(text, secretWord) || strings.Contains(text, a.shadow) {
		t.Errorf("%s told a secret: %.200s", call, text)
	}
}

func (a *attacker) ask(t *testing.T, call string, body any) (status int, text string) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	var content io.Reader = http.NoBody
	switch given := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(given)
	case []byte:
		content = bytes.NewReader(given)
	default:
		encoded, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://broker/v1.41"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
	defer response.Body.Close()
	read, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, string(read)
}

// hardened is what the controller would ask for, on this stack.
func hardened(change func(*container.CreateRequest)) *container.CreateRequest {
	r := instance()
	r.Image, r.Labels, r.Cmd = attackedStack+"/hello:r1", labels(attackedStack, "app"), []string{"sleep", "600"}
	r.HostConfig.NetworkMode, r.HostConfig.Mounts, r.HostConfig.LogConfig = container.NetworkMode(attackedStack+"-app-hello"), nil, container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}}
	r.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{attackedStack + "-app-hello": {Aliases: []string{"web"}}}}
	change(r)
	return r
}

func createNamed(name string) string {
	return "POST /containers/create?name=" + attackedStack + "-" + name
}

// make makes a container that the policy allows: the door is not merely shut.
func (a *attacker) make(t *testing.T, name string) (id string) {
	t.Helper()
	status, text := a.ask(t, createNamed(name), hardened(func(*container.CreateRequest) {}))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(text), &made); status != http.StatusCreated || err != nil {
		t.Fatalf("what the controller makes: %d %s", status, text)
	}
	return made.ID
}

func (a *attacker) hostFiles(t *testing.T) {
	for name, change := range map[string]func(*container.CreateRequest){
		"a bind": func(r *container.CreateRequest) { r.HostConfig.Binds = []string{"/etc:/host:ro"} },
		"a bind as mount": func(r *container.CreateRequest) {
			r.HostConfig.Mounts = []mount.Mount{{Type: mount.TypeBind, Source: "/etc", Target: "/host"}}
		},
		"a volume of it": func(r *container.CreateRequest) { r.HostConfig.Mounts = []mount.Mount{hostVolume()} },
		"volumes of":     func(r *container.CreateRequest) { r.HostConfig.VolumesFrom = []string{attackedStack + "-broker"} },
		"a device": func(r *container.CreateRequest) {
			r.HostConfig.Devices = []container.DeviceMapping{{PathOnHost: "/dev/sda", PathInContainer: "/dev/sda", CgroupPermissions: "r"}}
		},
		"the host's files by processes": func(r *container.CreateRequest) { r.HostConfig.PidMode = "host" },
	} {
		t.Run(name, func(t *testing.T) { a.say(t, createNamed("hello-r7"), hardened(change)) })
	}
	a.say(t, "POST /volumes/create", `{"Name":"`+attackedStack+`-vol-host","Driver":"local","DriverOpts":{"type":"none","o":"bind","device":"/etc"},"Labels":{"berth.stack":"`+attackedStack+`","berth.role":"volume"}}`)
	a.say(t, "POST /plugins/pull?remote=vieux/sshfs", "[]")
	a.make(t, "hello-r1")
	for _, path := range []string{"/link", "/etclink/shadow", "/../../../../../../etc/shadow", "/proc/1/root/etc/shadow", "/hidden", a.hidden, "/../../../../../.." + a.hidden} {
		call := "GET /containers/" + attackedStack + "-hello-r1/archive?path=" + url.QueryEscape(path)
		_, text := a.ask(t, call, nil) // the container's own file is no secret
		a.holdsNothing(t, call, text)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, header := range []tar.Header{
		{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../../../../../../../tmp"},
		{Name: "up/berth-attacked-evil", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "../../../../../../../tmp/berth-attacked-evil", Typeflag: tar.TypeReg, Mode: 0o644},
	} {
		_ = w.WriteHeader(&header)
	}
	_ = w.Close()
	_, _ = a.ask(t, "PUT /containers/"+attackedStack+"-hello-r1/archive?path=/&noOverwriteDirNonDir=true", out.Bytes())
}

func hostVolume() mount.Mount {
	return mount.Mount{Type: mount.TypeVolume, Source: attackedStack + "-vol-x", Target: "/host", VolumeOptions: &mount.VolumeOptions{
		DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "none", "o": "bind", "device": "/etc"}},
	}}
}

func (a *attacker) otherContainers(t *testing.T) {
	short := ""
	for _, id := range a.ids {
		short += " " + id[:12] + " " + id
	}
	names := append(strings.Fields(short), otherStack+"-shop-r1", "berth-attacked-nobodys")
	for _, name := range names {
		if a.isProxy(name) { // whose output and settings the controller reads: see ownRoles
			continue
		}
		for _, call := range []string{
			"GET /containers/X/json", "GET /containers/X/logs?stdout=1", "GET /containers/X/top?ps_args=-eo%20pid,uid", "GET /containers/X/archive?path=/word",
			"GET /containers/X/export", "GET /containers/X/changes", "POST /containers/X/attach?stream=1&stdout=1", "GET /containers/X/attach/ws", "POST /containers/X/stop?t=0",
			"POST /containers/X/kill", "POST /containers/X/pause", "POST /containers/X/rename?name=" + attackedStack + "-hello-r9", "POST /containers/X/update", "DELETE /containers/X?force=1&v=1",
		} {
			a.say(t, strings.Replace(call, "X", name, 1), nil)
		}
		a.say(t, "POST /containers/"+name+"/exec", `{"Cmd":["cat","/word"],"AttachStdout":true}`)
		a.say(t, "POST /commit?container="+name, map[string]any{"Labels": labels(attackedStack, "files")})
	}
	for _, filters := range []string{`{"label":{"berth.stack=` + otherStack + `":true}}`, `{"name":{"shop":true}}`, `{}`, `{"label":{"berth.attacked=yes":true}}`} {
		a.say(t, "GET /containers/json?all=1&filters="+url.QueryEscape(filters), nil)
	}
	own := url.QueryEscape(`{"label":{"berth.stack=` + attackedStack + `":true,"berth.stack=` + otherStack + `":true}}`)
	status, text := a.ask(t, "GET /containers/json?all=1&filters="+own, nil) // both labels at once: the engine finds none
	if status != http.StatusOK || strings.Contains(text, "shop") {
		t.Errorf("a list of two stacks: %d %.200s", status, text)
	}
}

func (a *attacker) isProxy(name string) bool {
	return strings.HasSuffix(a.docker("inspect", "--format", "{{.Name}}", name), "-traefik")
}

func (a *attacker) otherStacks(t *testing.T) {
	volume, image := otherStack+"-vol-data", otherStack+"/shop:r1"
	for _, call := range []string{
		"GET /volumes/" + volume, "DELETE /volumes/" + volume, "DELETE /volumes/" + attackedStack + "-data", "GET /volumes", "POST /volumes/prune",
		"GET /images/" + image + "/json", "GET /images/" + image + "/history", "GET /images/" + image + "/get", "DELETE /images/" + image, "DELETE /images/" + base,
		"POST /images/" + image + "/tag?repo=" + attackedStack + "/hello&tag=r2", "POST /images/" + image + "/push", "GET /images/json", "POST /images/prune", "GET /images/get?names=" + image,
		"GET /images/search?term=x", "GET /system/df", "POST /build/prune",
	} {
		a.say(t, call, nil)
	}
	for _, source := range []string{volume, attackedStack + "-data"} {
		a.say(t, createNamed("hello-r7"), hardened(func(r *container.CreateRequest) {
			r.HostConfig.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: source, Target: "/data", VolumeOptions: &mount.VolumeOptions{NoCopy: true}}}
		}))
	}
	id := a.docker("image", "inspect", "--format", "{{.Id}}", image)
	for _, name := range []string{image, id, strings.TrimPrefix(id, "sha256:")[:12]} {
		a.say(t, createNamed("hello-r7"), hardened(func(r *container.CreateRequest) { r.Image = name }))
	}
}

func (a *attacker) unhardened(t *testing.T) {
	for name, change := range map[string]func(*container.CreateRequest){
		"privileged":      func(r *container.CreateRequest) { r.HostConfig.Privileged = true },
		"a capability":    func(r *container.CreateRequest) { r.HostConfig.CapAdd = []string{"SYS_ADMIN"} },
		"no dropped ones": func(r *container.CreateRequest) { r.HostConfig.CapDrop = nil },
		"no seccomp": func(r *container.CreateRequest) {
			r.HostConfig.SecurityOpt = []string{"no-new-privileges:true", "seccomp=unconfined"}
		},
		"no limit of memory":   func(r *container.CreateRequest) { r.HostConfig.Memory, r.HostConfig.MemorySwap = 0, 0 },
		"the host's users":     func(r *container.CreateRequest) { r.HostConfig.UsernsMode = "host" },
		"another runtime":      func(r *container.CreateRequest) { r.HostConfig.Runtime = "runc-unsafe" },
		"another cgroup":       func(r *container.CreateRequest) { r.HostConfig.CgroupParent = "/" },
		"unmasked paths":       func(r *container.CreateRequest) { r.HostConfig.MaskedPaths = []string{} },
		"a writable /proc/sys": func(r *container.CreateRequest) { r.HostConfig.ReadonlyPaths = []string{} },
		"a setting of kernels": func(r *container.CreateRequest) { r.HostConfig.Sysctls = map[string]string{"net.ipv4.ip_forward": "1"} },
	} {
		t.Run(name, func(t *testing.T) { a.say(t, createNamed("hello-r7"), hardened(change)) })
	}
	text, err := json.Marshal(hardened(func(*container.CreateRequest) {}))
	if err != nil {
		t.Fatal(err)
	}
	for name, evil := range map[string]string{
		"lower case": strings.Replace(string(text), `"ReadonlyRootfs":`, `"privileged":true,"ReadonlyRootfs":`, 1),
		"twice":      strings.TrimSuffix(string(text), "}") + `,"HostConfig":{"Privileged":true}}`,
		"long s":     strings.TrimSuffix(string(text), "}") + `,"Ho\u017ftConfig":{"PidMode":"host"}}`,
	} {
		t.Run(name, func(t *testing.T) { a.say(t, createNamed("hello-r7"), evil) })
	}
}

func (a *attacker) networks(t *testing.T) {
	for _, mode := range []string{"host", "bridge", "default", attackedStack + "-0-edge", otherStack + "-app-shop", "container:" + attackedStack + "-traefik", "container:" + otherStack + "-shop-r1"} {
		a.say(t, createNamed("hello-r7"), hardened(func(r *container.CreateRequest) { r.HostConfig.NetworkMode = container.NetworkMode(mode) }))
	}
	a.make(t, "hello-r2")
	for _, name := range []string{"host", "bridge", attackedStack + "-0-edge", otherStack + "-app-shop"} {
		a.say(t, "POST /networks/"+name+"/connect", map[string]any{"Container": attackedStack + "-hello-r2"})
		a.say(t, "DELETE /networks/"+name, nil)
	}
	a.say(t, "POST /networks/"+attackedStack+"-app-hello/connect", map[string]any{"Container": otherStack + "-shop-r1"})
	a.say(t, createNamed("hello-r7"), hardened(func(r *container.CreateRequest) { r.HostConfig.PublishAllPorts = true }))
}

func (a *attacker) ownRoles(t *testing.T) {
	for _, role := range []string{"traefik", "berth", "broker"} {
		name := attackedStack + "-" + role
		for _, call := range []string{"POST /containers/X/stop?t=0", "POST /containers/X/start", "DELETE /containers/X?force=1&v=1", "GET /containers/X/archive?path=/word", "PUT /containers/X/archive?path=/", "GET /containers/X/top?ps_args=-eo%20pid,uid", "POST /containers/X/kill", "POST /containers/X/update"} {
			a.say(t, strings.Replace(call, "X", name, 1), nil)
		}
		a.say(t, "POST /containers/"+name+"/exec", `{"Cmd":["cat","/word"]}`)
		a.say(t, "POST /commit?container="+name, map[string]any{"Labels": labels(attackedStack, "files")})
		a.say(t, "POST /networks/"+otherStack+"-app-shop/connect", map[string]any{"Container": name})
		if role != "traefik" {
			a.say(t, "POST /containers/"+name+"/restart?t=0", nil)
			a.say(t, "POST /networks/"+attackedStack+"-app-hello/connect", map[string]any{"Container": name})
		}
	}
}
