//go:build integration

package docker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// socketProxy stands in front of the engine's socket, as third-party ones do,
// and refuses what forbidden names.
func socketProxy(t *testing.T, forbidden func(path string) bool) string {
	t.Helper()
	socket, found := strings.CutPrefix(dockertest.Host(), "unix://")
	if !found {
		t.Fatal("this test needs the engine's own socket")
	}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	forward.FlushInterval = -1
	forward.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forbidden(r.URL.Path) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String()
}

func openThrough(t *testing.T, host string) *Engine {
	t.Helper()
	engine, err := Open(Options{Host: host, Stack: dockertest.Stack(t), SubnetPool: testPool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

func TestEngine_WorksThroughASocketProxy(t *testing.T) {
	engine := openThrough(t, socketProxy(t, func(string) bool { return false }))
	instance := mustStart(t, engine, "hello", dockertest.ServeDockerfile)
	ask(t, engine, instance, "/", "", "")
	if err := engine.RemoveApp(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
}

func TestBuild_DoesWithoutASessionWhereAProxyRefusesIt(t *testing.T) {
	engine := openThrough(t, socketProxy(t, func(path string) bool { return strings.HasSuffix(path, "/session") }))
	mustBuild(t, engine, "hello", dockertest.ServeDockerfile)
}

func TestBuild_SaysThatAProxyRefusesBuilds(t *testing.T) {
	engine := openThrough(t, socketProxy(t, func(path string) bool { return strings.HasSuffix(path, "/build") }))
	_, err := engine.Build(t.Context(), buildOptions("hello", 1, dockertest.App(t, dockertest.ServeDockerfile)), func(string) {})
	if err == nil || errors.Is(err, link.ErrUnavailable) || !strings.Contains(err.Error(), "forbidden") {
		t.Fatalf("Build() = %v", err)
	}
}
