package docker

import (
	"net/http"
	"testing"

	"berth/controller/docker/dockertest"
)

// openFake returns an engine of the stack "berth" that speaks with the answers, by
// "METHOD /path". What has none does not exist.
func openFake(t *testing.T, answers map[string]http.HandlerFunc) (*Engine, *dockertest.Fake) {
	t.Helper()
	host, fake := dockertest.Serve(t, answers)
	engine, err := Open(Options{Host: host, SubnetPool: somePool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine, fake
}
