//go:build integration

package e2e

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/test/patience"
)

// converge is how soon everything must be as it should be after a blow.
const converge = 10 * time.Second

func TestSurvival_ContainerRemovedByHand(t *testing.T) {
	o := newOperator(t)
	o.deploy("phoenix", "", "v1")
	docker(t, "rm", "--force", container("phoenix", 1))
	answers(t, converge, "/phoenix", "testapp v1")
}

func TestSurvival_ContainerStoppedByHand(t *testing.T) {
	o := newOperator(t)
	o.deploy("lazarus", "", "v1")
	docker(t, "stop", "--time", "1", container("lazarus", 1))
	answers(t, converge, "/lazarus", "testapp v1")
}

func TestSurvival_ProxyRestarted(t *testing.T) {
	o := newOperator(t)
	o.deploy("anchor", "", "v1")
	docker(t, "restart", "--time", "1", berth.Proxy())
	answers(t, converge, "/anchor", "testapp v1")
}

func TestSurvival_ProxyMadeAnew(t *testing.T) {
	o := newOperator(t)
	o.deploy("buoy", "", "v1")
	docker(t, "rm", "--force", berth.Proxy())
	if err := berth.Up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	answers(t, converge, "/buoy", "testapp v1")
}

func TestSurvival_ProxyCutOffByHand(t *testing.T) {
	o := newOperator(t)
	o.deploy("island", "", "v1")
	network := docker(t, "network", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app=island")
	docker(t, "network", "disconnect", "--force", network, berth.Proxy())
	answers(t, converge, "/island", "testapp v1")
}

func TestSurvival_BrokerKilled(t *testing.T) {
	o := newOperator(t)
	o.deploy("lock", "", "v1")
	docker(t, "kill", "--signal", "KILL", berth.Name+"-broker")
	docker(t, "start", berth.Name+"-broker")
	if release := o.update("lock", "", "v2"); release.State != "live" {
		t.Errorf("the next release is %+v", release)
	}
	answers(t, time.Second, "/lock", "testapp v2")
}

func TestSurvival_AppServesWhileControllerIsDown(t *testing.T) {
	o := newOperator(t)
	o.deploy("independent", "", "v1")
	docker(t, "stop", "--time", "5", berth.Controller())
	defer func() {
		docker(t, "start", berth.Controller())
		healthy(t)
	}()
	answers(t, time.Second, "/independent", "testapp v1")
	docker(t, "restart", "--time", "1", berth.Proxy())
	answers(t, converge, "/independent", "testapp v1")
}

func TestSurvival_StoppedAppStaysStopped(t *testing.T) {
	o := newOperator(t)
	o.deploy("sleeper", "", "v1")
	o.act("sleeper", "stop")
	if status, body := visit(t, "/sleeper"); status != http.StatusServiceUnavailable || !strings.Contains(body, "Not available") {
		t.Errorf("a stopped app's route answers %d, want 503 and the page: %s", status, body)
	}
	rested(t)
	kill(t)
	time.Sleep(3 * time.Second)
	if state := docker(t, "inspect", "--format", "{{.State.Running}}", container("sleeper", 1)); state != "false" {
		t.Error("a stopped app runs again after the controller was killed")
	}
	o.act("sleeper", "start")
	answers(t, converge, "/sleeper", "testapp v1")
}

// TestSurvival_KilledAtEveryMoment kills the controller at moments spread over a
// redeploy: the old or the new version must answer all the while, the release
// must end, and nothing may be left over.
func TestSurvival_KilledAtEveryMoment(t *testing.T) {
	o := newOperator(t)
	o.deploy("immortal", "", "v0")
	for i, delay := range []time.Duration{0, 50, 150, 300, 450, 600, 800, 1100, 1600} {
		version := "v" + strconv.Itoa(i+1)
		rested(t)
		o.upload("immortal", "", "", version)
		time.Sleep(delay * time.Millisecond)
		kill(t)
		if status, body := visit(t, "/immortal"); status != http.StatusOK {
			t.Fatalf("killed %d ms after the upload: the app answers %d %s", delay, status, body)
		}
		release := o.wait("immortal")
		if release.State != "live" && (release.State != "failed" || release.Reason == "") {
			t.Errorf("killed %d ms after the upload: release is %+v", delay, release)
		}
		if release.State == "live" {
			answers(t, converge, "/immortal", version)
		}
		eventually(t, 2*converge, "one instance alone to be left", func() bool { return len(containers(t, "immortal")) == 1 })
	}
}

func TestSurvival_KilledDuringDeletion(t *testing.T) {
	o := newOperator(t)
	o.deploy("ghost", "", "v1")
	rested(t)
	go func() {
		_, _ = berth.API(t.Context(), o.token, http.MethodDelete, "/api/v1/apps/ghost", nil)
	}()
	time.Sleep(100 * time.Millisecond)
	kill(t)
	eventually(t, 2*converge, "every trace to be gone", func() bool {
		networks := docker(t, "network", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app=ghost")
		return len(containers(t, "ghost")) == 0 && networks == ""
	})
}

// rested sees to it that the engine takes the next death of the controller for a first one,
// and starts it again at once: for one that died within ten seconds of its start, the engine
// waits longer each time. A restart in peace is forgotten sooner than ten seconds are over.
func rested(t *testing.T) {
	t.Helper()
	started, err := time.Parse(time.RFC3339Nano, docker(t, "inspect", "--format", "{{.State.StartedAt}}", berth.Controller()))
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(started) < 11*time.Second {
		docker(t, "restart", "--time", "10", berth.Controller())
		healthy(t)
	}
}

// kill ends the controller's process as a power cut would, and waits until the
// engine's restart policy has brought it back.
func kill(t *testing.T) {
	t.Helper()
	pid, err := strconv.Atoi(docker(t, "inspect", "--format", "{{.State.Pid}}", berth.Controller()))
	if err != nil || pid < 2 {
		t.Fatalf("controller's process: %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	healthy(t)
}

func healthy(t *testing.T) {
	t.Helper()
	client := berth.AdminClient()
	client.Timeout = patience.Of(time.Second)
	eventually(t, 30*time.Second, "the controller to be back", func() bool {
		response, err := client.Get(berth.Admin + "/healthz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func uploadsFolder(t *testing.T) string {
	t.Helper()
	mountpoint := docker(t, "volume", "inspect", "--format", "{{.Mountpoint}}", berth.Name+"-data")
	return strings.Join(filesBelow(t, mountpoint+"/uploads"), " ")
}

func filesBelow(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
