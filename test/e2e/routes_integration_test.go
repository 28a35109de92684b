//go:build integration

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

const duoFile = `
services:
  web:
    build: ./web
    ports: ["80:8000"]
  api:
    build: ./api
    x-berth: {route: /duo-api, port: 8000}
`

// duo is the archive of an app of two services, each of which answers with its name and
// the version.
func duo(t *testing.T, file, version string) []byte {
	t.Helper()
	files := map[string][]byte{"compose.yaml": []byte(file)}
	for _, service := range []string{"web", "api"} {
		app, err := berth.AppFiles("serve", service+" "+version)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range app {
			files[service+"/"+name] = content
		}
	}
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// TestRoutes_TwoServicesOfAnAppAnswerAndAreReplacedUnderLoad: each of them at its own
// route, hardened, and with no failed request.
func TestRoutes_TwoServicesOfAnAppAnswerAndAreReplacedUnderLoad(t *testing.T) {
	o := newOperator(t)
	ship := func(route, file, version string) (int, string) {
		t.Helper()
		return o.send("duo", route, "duo.zip", duo(t, file, version))
	}
	if status, body := ship("/duo", duoFile, "v1"); status != http.StatusSeeOther {
		t.Fatalf("%d: %s", status, body)
	}
	t.Cleanup(func() { o.remove("duo") })
	if release := o.wait("duo"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 2*time.Second, "/duo/", "testapp web v1")
	answers(t, 2*time.Second, "/duo-api/", "testapp api v1")
	confined := docker(t, "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}} {{json .HostConfig.PortBindings}} {{.HostConfig.CapDrop}} {{len .NetworkSettings.Networks}}", berth.Name+"-duo-r1.api")
	if confined != "true {} [ALL] 1" && confined != "true null [ALL] 1" {
		t.Errorf("the service beside runs with %s", confined)
	}

	finishWeb, finishAPI := underLoad(t, "/duo/"), underLoad(t, "/duo-api/")
	for i := 2; i <= 3; i++ {
		if status, body := ship("", duoFile, fmt.Sprint("v", i)); status != http.StatusSeeOther {
			t.Fatalf("%d: %s", status, body)
		}
		if release := o.wait("duo"); release.State != "live" {
			t.Errorf("release is %+v", release)
		}
		answers(t, 2*time.Second, "/duo-api/", fmt.Sprint("testapp api v", i))
	}
	time.Sleep(2 * time.Second) // the last old instances are retired in here
	finishWeb()
	finishAPI()

	// A person leads one more route there, at once; and no release leaves it dead.
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/duo/routes", `{"route": "/duo-two", "service": "api"}`, nil); err != nil || status != http.StatusCreated {
		t.Fatal(status, err)
	}
	answers(t, 2*time.Second, "/duo-two/", "testapp api v3")
	status, body := ship("", strings.Split(duoFile, "  api:")[0], "v4")
	if status != http.StatusConflict || !strings.Contains(body, "/duo-two leads to the service api") || !strings.Contains(body, "/duo-api leads to the service api") {
		t.Errorf("without the service: %d %.400s", status, body)
	}
	answers(t, 2*time.Second, "/duo-api/", "testapp api v3")
}
