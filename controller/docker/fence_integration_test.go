//go:build integration

package docker

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// needFence leaves the test out where make up did not set up what it tries: on an
// engine that an administrator configured.
func needFence(t *testing.T, part string) {
	t.Helper()
	if !strings.Contains(os.Getenv("BERTH_TEST_FENCE"), part) {
		t.Skipf("builds have no %s of their own on this engine", part)
	}
}

func TestBuild_ReachesTheOutsideAndNothingOfThisMachine(t *testing.T) {
	needFence(t, "network")
	engine := openTest(t)
	outside, hostAddress := outsideWorld(t)
	hostPort := serveOnHost(t)
	gateway, neighbour, published := serveOnDefaultBridge(t, engine)
	other := buildThatServes(t, engine)

	forbidden := []string{
		fmt.Sprintf("http://%s:%d/", gateway, hostPort), fmt.Sprintf("http://%s:%d/", hostAddress, hostPort),
		"http://" + neighbour + ":8000/", "http://" + hostAddress + ":" + published + "/", "http://" + gateway + ":" + published + "/",
		"http://" + other + ":8000/", "http://169.254.77.7:8000/",
	}
	got := fetchInBuild(t, engine, append(forbidden, outside))
	if !strings.Contains(got, "reached "+outside) {
		t.Errorf("the outside is not reached:\n%s", got)
	}
	for _, url := range forbidden {
		if !strings.Contains(got, "stopped "+url) {
			t.Errorf("a build reached %s", url)
		}
	}
}

func fetchInBuild(t *testing.T, engine *Engine, urls []string) string {
	t.Helper()
	book := &logbook{}
	dockerfile := fmt.Sprintf("FROM scratch\nCOPY app /app\nENV ONLY=%s\nRUN [\"/app\", \"fetch\", \"%s\"]\n", engine.link.Stack, strings.Join(urls, `", "`))
	if _, err := engine.Build(t.Context(), buildOptions("attacker", 1, dockertest.App(t, dockerfile)), book.line); err != nil {
		t.Fatalf("%v\n%s", err, book)
	}
	return book.String()
}

// outsideWorld is a machine beyond this one, in a network namespace: the URL that it
// answers at, and this machine's address on the way to it.
func outsideWorld(t *testing.T) (url, hostAddress string) {
	t.Helper()
	name, device := "berth-outside", "berthout"
	_ = exec.CommandContext(t.Context(), "ip", "netns", "delete", name).Run()
	mustIP(t, "netns", "add", name)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", name).Run() })
	mustIP(t, "link", "add", device, "type", "veth", "peer", "name", "outside", "netns", name)
	mustIP(t, "address", "add", "198.18.9.1/30", "dev", device)
	mustIP(t, "link", "set", device, "up")
	mustIP(t, "route", "add", "169.254.77.7/32", "via", "198.18.9.2")
	mustIP(t, "-n", name, "address", "add", "198.18.9.2/30", "dev", "outside")
	mustIP(t, "-n", name, "address", "add", "169.254.77.7/32", "dev", "outside")
	mustIP(t, "-n", name, "link", "set", "outside", "up")
	mustIP(t, "-n", name, "route", "add", "default", "via", "198.18.9.1")
	program := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(program, []byte(dockertest.Binary(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), "ip", "netns", "exec", name, program)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Process.Kill(), server.Wait() })
	url = "http://198.18.9.2:8000/"
	eventually(t, "the outside answers", func() bool { return answers(t, url) && answers(t, "http://169.254.77.7:8000/") })
	return url, "198.18.9.1"
}

func mustIP(t *testing.T, arguments ...string) {
	t.Helper()
	if text, err := exec.CommandContext(t.Context(), "ip", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v\n%s", arguments, err, text)
	}
}

func answers(t *testing.T, url string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil
}

// serveOnHost is a service of the machine itself, on all of its addresses.
func serveOnHost(t *testing.T) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

// serveOnDefaultBridge is a container as somebody else on this engine runs it.
func serveOnDefaultBridge(t *testing.T, engine *Engine) (gateway, address, published string) {
	t.Helper()
	image := mustBuild(t, engine, "neighbour", dockertest.ServeDockerfile)
	api := engine.link.API(t.Context())
	made, err := api.ContainerCreate(t.Context(), &container.Config{
		Image: image.ID, Labels: map[string]string{link.LabelStack: engine.link.Stack}, ExposedPorts: nat.PortSet{"8000/tcp": {}},
	}, &container.HostConfig{PortBindings: nat.PortMap{"8000/tcp": {{}}}}, nil, nil, "")
	if err == nil {
		err = api.ContainerStart(t.Context(), made.ID, container.StartOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := api.ContainerInspect(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.NetworkSettings.Ports["8000/tcp"]) == 0 {
		t.Fatalf("the neighbour's port is not published: %+v", found.NetworkSettings.Ports)
	}
	bridge := found.NetworkSettings.Networks["bridge"]
	gateway, address = bridge.Gateway, bridge.IPAddress
	published = found.NetworkSettings.Ports["8000/tcp"][0].HostPort
	eventually(t, "the neighbour answers", func() bool { return answers(t, "http://"+address+":8000/") })
	return gateway, address, published
}

// The loopback's address comes first.
var ownAddress = regexp.MustCompile(`address 127\.[^\n]*\n(?:[^\n]*address [0-9a-f]*:[^\n]*\n)*[^\n]*address (\d+\.\d+\.\d+\.\d+)/`)

// buildThatServes is a build of another app that is under way, and its address.
func buildThatServes(t *testing.T, engine *Engine) (address string) {
	t.Helper()
	book, ended := &logbook{}, make(chan struct{})
	t.Cleanup(func() { <-ended }) // its context ends before
	go func() {
		defer close(ended)
		_, _ = engine.Build(t.Context(), buildOptions("victim", 1,
			dockertest.App(t, "FROM scratch\nCOPY app /app\nENV ONLY="+engine.link.Stack+"\nRUN [\"/app\", \"where\"]\n")), book.line)
	}()
	eventually(t, "the other build serves", func() bool { return ownAddress.MatchString(book.String()) })
	address = ownAddress.FindStringSubmatch(book.String())[1]
	eventually(t, "the other build answers", func() bool { return answers(t, "http://"+address+":8000/") })
	return address
}
