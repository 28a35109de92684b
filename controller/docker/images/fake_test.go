package images

import (
	"net/http"
	"testing"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// openFake returns the images of the stack "berth" in an engine that speaks with the
// answers, by "METHOD /path". What has none does not exist.
func openFake(t *testing.T, answers map[string]http.HandlerFunc) (*Images, *dockertest.Fake) {
	t.Helper()
	host, fake := dockertest.Serve(t, answers)
	reached, err := link.Open(host, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reached.Close() })
	return New(reached), fake
}
