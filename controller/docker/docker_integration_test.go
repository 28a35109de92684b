//go:build integration

package docker

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	networktypes "github.com/docker/docker/api/types/network"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/networks"
	"berth/controller/plan"
	"berth/test/patience"
	"berth/test/stack"
)

// testPool is addresses that nothing else on this machine has, held until the tests end.
var testPool netip.Prefix

// holdAddresses is of TestMain.
func holdAddresses() error {
	place, err := stack.Reserve("docker-package-test")
	if err == nil {
		testPool = netip.PrefixFrom(place.Pool.Addr(), 20)
	}
	return err
}

// openTest returns an engine on a stack that is removed when the test ends.
func openTest(t *testing.T) *Engine {
	t.Helper()
	engine, err := Open(Options{Host: dockertest.Host(), Stack: dockertest.Stack(t), SubnetPool: testPool, Helper: dockertest.Helper(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

// logbook collects a build's lines.
type logbook struct {
	mutex sync.Mutex
	lines []string
}

func (l *logbook) line(text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lines = append(l.lines, text)
}

func (l *logbook) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Join(l.lines, "\n")
}

func buildOptions(app string, release int64, files dockertest.Files) images.BuildOptions {
	return images.BuildOptions{App: app, Release: release, Build: plan.Build{Dockerfile: "Dockerfile"}, Context: files.WriteTar, Files: files.FS()}
}

// mustBuild builds the test app with the Dockerfile.
func mustBuild(t *testing.T, engine *Engine, app, dockerfile string) images.Image {
	t.Helper()
	book := &logbook{}
	image, err := engine.Build(t.Context(), buildOptions(app, 1, dockertest.App(t, dockerfile)), book.line)
	if err != nil {
		t.Fatalf("%v\n%s", err, book)
	}
	return image
}

func mustNetwork(t *testing.T, engine *Engine, app string) networks.Network {
	t.Helper()
	network, err := engine.EnsureNetwork(t.Context(), app, 0)
	if err != nil {
		t.Fatal(err)
	}
	return network
}

func testService() plan.Service {
	return plan.Service{Name: plan.MainService, Limits: plan.DefaultLimits()}
}

// mustStart builds, and starts with the default policy.
func mustStart(t *testing.T, engine *Engine, app, dockerfile string) link.Instance {
	t.Helper()
	return mustStartService(t, engine, app, dockerfile, testService())
}

func mustStartService(t *testing.T, engine *Engine, app, dockerfile string, service plan.Service) link.Instance {
	t.Helper()
	image := mustBuild(t, engine, app, dockerfile)
	instance, err := engine.Start(t.Context(), StartOptions{
		App: app, Release: 1, Service: service, Image: image, Network: mustNetwork(t, engine, app),
	})
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

// mustStartProxy starts a stand-in for the proxy: the test app under its label,
// on the stack's own network.
func mustStartProxy(t *testing.T, engine *Engine) string {
	t.Helper()
	image := mustBuild(t, engine, "stand-in", dockertest.ServeDockerfile)
	own := engine.link.Stack + "-0-edge"
	labels := map[string]string{link.LabelStack: engine.link.Stack, link.LabelRole: link.RoleProxy}
	if _, err := engine.link.API(t.Context()).NetworkCreate(t.Context(), own, networktypes.CreateOptions{Labels: map[string]string{link.LabelStack: engine.link.Stack}}); err != nil {
		t.Fatal(err)
	}
	created, err := engine.link.API(t.Context()).ContainerCreate(t.Context(),
		&container.Config{Image: image.ID, Labels: labels},
		&container.HostConfig{NetworkMode: container.NetworkMode(own)}, nil, nil, engine.link.Stack+"-proxy")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.link.API(t.Context()).ContainerStart(t.Context(), created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return created.ID
}

func mustInspect(t *testing.T, engine *Engine, id string) container.InspectResponse {
	t.Helper()
	found, err := engine.link.API(t.Context()).ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !patience.Eventually(20*time.Second, condition) {
		t.Fatalf("gave up waiting until %s", what)
	}
}

func TestEngine_AnswersAndTellsItsVersion(t *testing.T) {
	engine := openTest(t)
	if err := engine.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	version, err := engine.Version(t.Context())
	if err != nil || version == "" {
		t.Fatalf("Version() = %q, %v", version, err)
	}
}

func TestEngine_CallerCancelIsNotUnavailable(t *testing.T) {
	engine := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := engine.Ping(ctx); err == nil || link.Unanswered(ctx, err) {
		t.Fatalf("Ping() = %v, want the caller's cancel", err)
	}
}
