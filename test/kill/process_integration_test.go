//go:build integration

package kill

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/test/claim"
	"berth/test/patience"
	"berth/test/stack"
)

const proxyUser = 65532

// engineSocket returns the path of the engine's own.
func engineSocket(t *testing.T) string {
	t.Helper()
	host := cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock")
	path, local := strings.CutPrefix(host, "unix://")
	if !local {
		t.Fatalf("this test needs an engine on this machine, and DOCKER_HOST is %s", host)
	}
	return path
}

// house is a Berth that runs as a child of the test, with a proxy of its own, and with a door to the engine.
type house struct {
	*stack.Stack
	t       *testing.T
	place   stack.Place
	folder  string
	program string
	app     []byte // the compiled test app
	door    *door
	token   string

	mu      sync.Mutex
	process *exec.Cmd
	printed *bytes.Buffer // by the last process
}

func newHouse(t *testing.T) *house {
	t.Helper()
	place, err := stack.Reserve("berth-kill")
	if err != nil {
		t.Fatal(err)
	}
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{
		Stack: &stack.Stack{Name: place.Name, Admin: "https://127.0.0.1:" + ports[0], Apps: "http://" + place.Proxy + ":8000"},
		t:     t, place: place, folder: t.TempDir(),
	}
	h.Remove()
	t.Cleanup(h.Remove)
	h.compile()
	h.door = open(t, filepath.Join(h.folder, "door.sock"), engineSocket(t))
	h.prepareProxy()
	h.start()
	t.Cleanup(h.kill)
	h.startProxy()
	out, err := h.command("token", "--ttl", "24h", "--scope", "admin", "--name", "test-"+rand.Text()[:8]).Output()
	if err != nil {
		t.Fatal(err)
	}
	h.token = strings.TrimSpace(string(out))
	return h
}

// compile builds the program as scripts/image does, because it also works in volumes, and the test app.
func (h *house) compile() {
	h.t.Helper()
	h.program = filepath.Join(h.folder, "berth")
	berth := exec.Command("go", "build", "-trimpath", "-tags", "netgo osusergo sqlite_omit_load_extension nomsgpack",
		"-ldflags", "-s -w -linkmode external -extldflags -static", "-o", h.program, "berth/cmd/berth")
	berth.Env = append(os.Environ(), "CGO_ENABLED=1")
	app := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(h.folder, "app"), "berth/test/testapp")
	app.Env = append(os.Environ(), "CGO_ENABLED=0")
	for _, build := range []*exec.Cmd{berth, app} {
		if out, err := build.CombinedOutput(); err != nil {
			h.t.Fatalf("%s: %v: %s", build, err, out)
		}
	}
	var err error
	if h.app, err = os.ReadFile(filepath.Join(h.folder, "app")); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) prepareProxy() {
	h.t.Helper()
	for _, name := range []string{"proxy", "data"} {
		if err := os.Mkdir(filepath.Join(h.folder, name), 0o700); err != nil {
			h.t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(h.folder, "proxy"), proxyUser, proxyUser); err != nil {
			h.t.Fatal(err)
		}
	}
	h.docker("network", "create", "--subnet", h.edge(), "--label", "berth.stack="+h.Name, "--label", "berth.role=edge", h.Name+"-0-edge")
}

// edge is the network between proxy and controller: the first /27 of the pool.
func (h *house) edge() string { return h.place.Pool.Addr().String() + "/27" }

// startProxy comes after the first start of Berth, which writes what the proxy reads.
func (h *house) startProxy() {
	h.t.Helper()
	user := os.Geteuid()
	if user == 0 {
		user = proxyUser
	}
	h.docker("run", "--detach", "--name", h.Proxy(), "--label", "berth.stack="+h.Name, "--label", "berth.role=proxy",
		"--network", h.Name+"-0-edge", "--ip", h.place.Proxy, "--user", fmt.Sprint(user),
		"--volume", filepath.Join(h.folder, "proxy")+":/proxy:ro", os.Getenv("BERTH_TRAEFIK_IMAGE"), "--configFile=/proxy/traefik.yml")
}

func (h *house) command(arguments ...string) *exec.Cmd {
	command := exec.Command(h.program, arguments...)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.folder, "DOCKER_HOST=unix://" + h.door.socket,
		"BERTH_STACK=" + h.Name, "BERTH_DATA_FOLDER=" + filepath.Join(h.folder, "data"), "BERTH_PROXY_FOLDER=" + filepath.Join(h.folder, "proxy"),
		"BERTH_ADMIN_LISTEN=" + strings.TrimPrefix(h.Admin, "https://"), "BERTH_EDGE_SUBNET=" + h.edge(),
		"BERTH_PROXY_ADDRESS=" + h.place.Proxy, "BERTH_SUBNET_POOL=" + h.place.Pool.String(),
		"BERTH_RATELIMIT_UPLOAD=10000/1h", "BERTH_RATELIMIT_UPDATE=10000/1h", "BERTH_RATELIMIT_DEFAULT=1000000/1h",
		"BERTH_RATELIMIT_CONTAINERS=1000000/1h", "BERTH_LOG_LEVEL=debug",
	}
	return command
}

// start starts the process and waits until it answers.
func (h *house) start() {
	h.t.Helper()
	printed := &bytes.Buffer{}
	process := h.command("serve")
	process.Stdout, process.Stderr = printed, printed
	if err := process.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.process, h.printed = process, printed
	h.mu.Unlock()
	if !patience.Eventually(20*time.Second, func() bool { return h.healthy() == nil }) {
		h.kill()
		h.t.Fatalf("the process does not answer: %v\n%s", h.healthy(), printed)
	}
}

func (h *house) healthy() error {
	if h.CA == nil {
		certificate, err := os.ReadFile(filepath.Join(h.folder, "data", "tls", "admin.crt"))
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(certificate) {
			return errors.New("the certificate is not whole")
		}
		h.CA = pool
	}
	client := h.AdminClient()
	client.Timeout = patience.Of(time.Second)
	defer client.CloseIdleConnections()
	response, err := client.Get(h.Admin + "/healthz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s", response.Status)
	}
	return nil
}

// kill ends the process as a power cut would, and waits until it is gone.
func (h *house) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.process == nil {
		return
	}
	_ = h.process.Process.Kill()
	_ = h.process.Wait()
	h.process = nil
}

// revive starts the process again where a failure has ended it.
func (h *house) revive() {
	h.t.Helper()
	h.mu.Lock()
	dead := h.process == nil
	h.mu.Unlock()
	if dead {
		h.start()
	}
}

// log is what the last process printed. It is whole once the process is gone.
func (h *house) log() string {
	h.kill()
	return h.printed.String()
}

// send asks the API; anything but success fails the test.
func (h *house) send(method, path, body string, out any) error {
	status, err := h.Send(h.t.Context(), h.token, method, "/api/v1"+path, body, out)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %d", method, path, status)
	}
	return err
}

func (h *house) upload(route string, files map[string][]byte) error {
	archive, err := stack.Zip(files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), patience.Of(time.Minute))
	defer cancel()
	client := h.AdminClient()
	defer client.CloseIdleConnections()
	response, err := h.Upload(ctx, client, h.token, "book", route, "app.zip", archive)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("upload: %s", response.Status)
	}
	return nil
}

func (h *house) docker(arguments ...string) string {
	h.t.Helper()
	out, err := stack.Docker(arguments...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}
