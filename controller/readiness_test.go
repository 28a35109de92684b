package controller_test

import (
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/traefik"
)

// checkedFile is a compose app whose service has a health check.
const checkedFile = `services:
  web:
    image: a:1
    ports: ["8000"]
    environment: ["TOKEN=${TOKEN}"]
    healthcheck: {test: [CMD, /check], interval: 1s, retries: 1}
`

// deployReady deploys files with a readiness and waits for the end.
func (h *house) deployReady(files map[string]string, readiness app.Readiness) app.Release {
	h.t.Helper()
	settings := app.DefaultSettings()
	settings.Readiness = readiness
	release, err := h.Accept(h.t.Context(), controller.Upload{
		Name: "hello", Route: h.route("/hello"), Archive: h.receive(files), By: "test", Settings: &settings,
		Environment: []app.VariableWish{{Name: "TOKEN", Value: "hunter2-hunter2", Secret: true}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

// checks lets every health check end with the status and the output.
func (h *house) checks(status, output string) {
	h.engine.onLook.set(func(_ string, condition docker.Condition) docker.Condition {
		condition.Health, condition.HealthRan, condition.HealthExit, condition.HealthOutput = status, true, 127, output
		return condition
	})
}

func TestReadiness_AFailingHealthCheckShowsItsMaskedOutput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.checks("unhealthy", "asked with hunter2-hunter2\nsh: curl: not found")
	release := h.deployReady(map[string]string{"compose.yaml": checkedFile}, app.Readiness{StartTime: time.Second})
	log := h.log(release)
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "exit code 127") || !strings.Contains(release.Reason, "curl: not found") ||
		!strings.Contains(release.Hint, "does not hold curl") || !strings.Contains(log, "health check: sh: curl: not found") {
		t.Errorf("release is %s: %q / %q\n%s", release.State, release.Reason, release.Hint, log)
	}
	if text := release.Reason + release.Hint + log; strings.Contains(text, "hunter2") || !strings.Contains(text, "[secret TOKEN]") {
		t.Errorf("the secret shows: %s", text)
	}
}

func TestReadiness_AHealthCheckThatFailsLaterShowsItsMaskedOutputOnTheApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.checks("healthy", "")
	release := h.deployReady(map[string]string{"compose.yaml": checkedFile}, app.Readiness{})
	if release.State != app.ReleaseLive {
		t.Fatalf("release is %+v", release)
	}
	h.stop()
	h.checks("unhealthy", "asked with hunter2-hunter2\nstore is locked")
	h.open()
	var seen app.Observed
	h.eventually("what the health check printed to be seen", func() bool {
		view, _ := h.App(t.Context(), release.App)
		seen = view.Observed
		return strings.Contains(seen.Detail, "exit code 127; it printed: asked with [secret TOKEN] / store is locked.")
	})
	if seen.State != app.Unhealthy || strings.Contains(seen.Detail, "hunter2") {
		t.Errorf("seen %+v", seen)
	}
}

func TestReadiness_AServiceThatOthersWaitForShowsItsHealthCheck(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.checks("unhealthy", "store is locked")
	const file = `services:
  web: {image: a:1, ports: ["8000"], depends_on: {store: {condition: service_healthy}}}
  store: {image: b:1, healthcheck: {test: [CMD, /check]}}
`
	release := h.deployReady(map[string]string{"compose.yaml": file}, app.Readiness{StartTime: time.Second})
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "The service store failed") || !strings.Contains(release.Reason, "store is locked") {
		t.Errorf("release is %s: %q / %q", release.State, release.Reason, release.Hint)
	}
}

func TestReadiness_TheHealthCheckAloneIsEnough(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.proxy.status.set(502)
	h.checks("healthy", "")
	release := h.deployReady(map[string]string{"compose.yaml": checkedFile}, app.Readiness{By: app.ReadyHealth})
	if release.State != app.ReleaseLive {
		t.Errorf("release is %s: %s %s", release.State, release.Reason, release.Hint)
	}
}

func TestReadiness_AHealthCheckThatIsNotThereIsNotAwaited(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	release := h.deployReady(map[string]string{"Dockerfile": "FROM scratch\n"}, app.Readiness{By: app.ReadyHealth})
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "it has none") || release.Hint == "" {
		t.Errorf("release is %s: %s %s", release.State, release.Reason, release.Hint)
	}
}

func TestReadiness_APortThatAcceptsIsEnoughForTCP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.proxy.status.set(502) // what is there speaks no HTTP
	h.engine.listens.set([]string{"0.0.0.0:8000"})
	release := h.deployReady(map[string]string{"Dockerfile": "FROM scratch\n"}, app.Readiness{By: app.ReadyTCP})
	if release.State != app.ReleaseLive {
		t.Errorf("release is %s: %s %s", release.State, release.Reason, release.Hint)
	}
}

func TestReadiness_ALongStartIsSaidAndCut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	release := h.deployReady(map[string]string{"Dockerfile": "FROM scratch\n"}, app.Readiness{StartTime: 20 * time.Hour})
	if log := h.log(release); release.State != app.ReleaseLive || !strings.Contains(log, "asks for 20h") || !strings.Contains(log, "15m is the most here: BERTH_LIMITS_START") {
		t.Errorf("release is %s:\n%s", release.State, log)
	}
}

func TestReadiness_ANewSchemeTakesANewReleaseAndAStartTimeTheNextOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	settings := app.DefaultSettings()
	settings.Readiness.StartTime = 2 * time.Minute
	if release, err := h.UpdateSettings(t.Context(), "hello", settings, "test"); err != nil || release.Number != 0 {
		t.Errorf("a start time made %+v, %v", release, err)
	}
	settings.Readiness.Scheme = traefik.SchemeH2C
	release := h.updateSettings("hello", settings)
	if release.State != app.ReleaseLive || release.Settings.Readiness != settings.Readiness {
		t.Errorf("release is %+v", release)
	}
	h.eventually("the scheme to be published", func() bool {
		h.proxy.mu.Lock()
		defer h.proxy.mu.Unlock()
		service := h.proxy.published.HTTP.Services["hello-r2"]
		return service != nil && strings.HasPrefix(service.LoadBalancer.Servers[0].URL, "h2c://")
	})
}
