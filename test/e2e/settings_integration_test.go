//go:build integration

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

func TestSettings_WritableRootLetsTheAppWriteThatTheHintWasFor(t *testing.T) {
	o := newOperator(t)
	archive := writingApp(t)
	o.send("scribe", "/scribe", "app.zip", archive)
	t.Cleanup(func() { o.remove("scribe") })
	if release := o.wait("scribe"); release.State != "failed" || !strings.Contains(release.Hint, "Writable root") {
		t.Fatalf("release is %+v", release)
	}
	if status := o.settings("scribe", `{"writable_root": true}`); status != http.StatusOK {
		t.Fatalf("settings of an app with nothing live: got %d, want 200", status)
	}
	o.send("scribe", "", "app.zip", archive)
	if release := o.wait("scribe"); release.State != "live" || release.Number != 2 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/scribe", "testapp v1")
	if got := inspectLimits(t, "scribe", 2); got != "536870912 536870912 500000000 100 false" {
		t.Errorf("docker inspect says %s: a waiver loosens one thing only", got)
	}

	// Taken back, the app cannot start, and the release that can goes on serving.
	if status := o.settings("scribe", `{"writable_root": false}`); status != http.StatusCreated {
		t.Fatalf("settings: got %d, want 201", status)
	}
	if release := o.wait("scribe"); release.State != "failed" || !strings.Contains(release.Hint, "Writable root") {
		t.Errorf("release is %+v", release)
	}
	answers(t, time.Second, "/scribe", "testapp v1")
}

func TestSettings_NewLimitsHoldInTheEngineUntilTheRollback(t *testing.T) {
	o := newOperator(t)
	o.deploy("elastic", "", "v1")
	if got := inspectLimits(t, "elastic", 1); got != "536870912 536870912 500000000 100 true" {
		t.Fatalf("docker inspect says %s", got)
	}
	if status := o.settings("elastic", `{"memory_mb": 64, "cpu_percent": 150, "processes": 40}`); status != http.StatusCreated {
		t.Fatalf("settings: got %d, want 201", status)
	}
	if release := o.wait("elastic"); release.State != "live" || release.Number != 2 {
		t.Fatalf("release is %+v", release)
	}
	if got := inspectLimits(t, "elastic", 2); got != "67108864 67108864 1500000000 40 true" {
		t.Errorf("docker inspect says %s", got)
	}
	answers(t, time.Second, "/elastic", "testapp v1")

	status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/elastic/rollback", `{"release": 1}`, nil)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("rollback: %d, %v", status, err)
	}
	o.wait("elastic")
	if got := inspectLimits(t, "elastic", 3); got != "536870912 536870912 500000000 100 true" {
		t.Errorf("after the rollback docker inspect says %s", got)
	}
	var app struct{ Settings map[string]any }
	if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/elastic", &app); err != nil || app.Settings["memory_mb"] != 512.0 {
		t.Errorf("after the rollback the app's settings are %v, %v", app.Settings, err)
	}
}

func TestSettings_NewOnesFailNoRequest(t *testing.T) {
	o := newOperator(t)
	o.deploy("calm", "", "v1")
	if status := o.settings("calm", `{"processes": 50}`); status != http.StatusCreated {
		t.Fatalf("settings: got %d, want 201", status)
	}
	sent := 0
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); sent++ {
		if status, body := visit(t, "/calm"); status != http.StatusOK {
			t.Errorf("request %d: %d %s", sent, status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if release := o.wait("calm"); release.State != "live" || release.Number != 2 {
		t.Errorf("release is %+v", release)
	}
}

func TestSettings_StayWithinTheOperatorsMaximumAndTheTokensScope(t *testing.T) {
	o := newOperator(t)
	o.deploy("modest", "", "v1")
	for _, body := range []string{`{"memory_mb": 2049}`, `{"memory_mb": 0}`, `{"cpu_percent": 201}`, `{"processes": -1}`, `{"port": 65536}`} {
		if status := o.settings("modest", body); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", body, status)
		}
	}
	deployer := *o
	var err error
	if deployer.token, err = berth.Token("deploy"); err != nil {
		t.Fatal(err)
	}
	if status := deployer.settings("modest", `{"writable_root": true}`); status != http.StatusForbidden {
		t.Errorf("a waiver with the scope deploy: got %d, want 403", status)
	}
	if app := o.app("modest"); app.Release != 1 {
		t.Errorf("a refused wish led to a release: %+v", app)
	}
}

// writingApp is an app that writes into a folder of its image before it serves.
func writingApp(t *testing.T) []byte {
	t.Helper()
	files, err := berth.AppFiles("write-then-serve", "v1")
	if err != nil {
		t.Fatal(err)
	}
	files["Dockerfile"] = append(files["Dockerfile"], "COPY --chown=65534:65534 version /srv/\n"...)
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func (o *operator) settings(name, body string) (status int) {
	o.t.Helper()
	status, err := berth.Send(o.t.Context(), o.token, http.MethodPost, "/api/v1/apps/"+name+"/settings", body, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return status
}

// inspectLimits is what the engine holds an instance to: memory, with swap, CPU,
// processes, and whether its root is read-only.
func inspectLimits(t *testing.T, app string, release int) string {
	t.Helper()
	return docker(t, "inspect", "--format",
		"{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.PidsLimit}} {{.ReadonlyRootfs}}{{end}}", container(app, release))
}
