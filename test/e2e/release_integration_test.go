//go:build integration

package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRelease_AnswersAtItsRouteAndOnlyThere(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("apple", "", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/apple", "testapp v1")
	answers(t, time.Second, "/apple/", "testapp v1")
	if status, location, _ := visitHost(t, "", "/apple?x=%2f&y"); status != http.StatusPermanentRedirect || location != "/apple/?x=%2f&y" {
		t.Errorf("/apple without its slash: %d to %q", status, location)
	}
	if status, body := visit(t, "/applesauce"); status != http.StatusNotFound || !strings.Contains(body, "Page not found") {
		t.Errorf("/applesauce: got %d, want 404 and its page: a route is a path, not a prefix of characters", status)
	}
	if ports := docker(t, "inspect", "--format", "{{json .NetworkSettings.Ports}}", container("apple", 1)); strings.Contains(ports, "HostPort") {
		t.Errorf("the container publishes ports: %s", ports)
	}
}

func TestRelease_RedeployFailsNoRequest(t *testing.T) {
	o := newOperator(t)
	o.deploy("steady", "", "v0")
	finish := underLoad(t, "/steady")
	for _, version := range []string{"v1", "v2", "v3", "v4", "v5"} {
		if release := o.update("steady", "", version); release.State != "live" {
			t.Errorf("release is %+v", release)
		}
		answers(t, 2*time.Second, "/steady", version)
	}
	time.Sleep(2 * time.Second) // the last old instance is retired in here
	finish()
	eventually(t, 20*time.Second, "the old instances to be gone", func() bool {
		return len(containers(t, "steady")) == 1
	})
}

// TestRelease_OtherAppsComeAndGoUnnoticed: the proxy joins a network for each new
// app and leaves it again, which must cost the others nothing.
func TestRelease_OtherAppsComeAndGoUnnoticed(t *testing.T) {
	o := newOperator(t)
	o.deploy("calm", "", "v1")
	finish := underLoad(t, "/calm")
	for _, name := range []string{"a-guest", "m-guest", "z-guest"} {
		o.upload(name, "/"+name, "", "v1")
		if release := o.wait(name); release.State != "live" {
			t.Errorf("release of %s is %+v", name, release)
		}
		o.remove(name)
	}
	finish()
}

// failuresShown bounds the failed requests of a load that are in the test's output.
const failuresShown = 5

// underLoad visits a path on kept-alive connections, about 200 times a second,
// until finish is called, which fails the test for every request that failed. The load
// ends with the test where the test fails before.
func underLoad(t *testing.T, path string) (finish func()) {
	t.Helper()
	var failed, sent atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				sent.Add(1)
				if status, body := visit(t, path); status != http.StatusOK {
					if failed.Add(1) <= failuresShown {
						t.Logf("a request failed: %d %s", status, body)
					}
				}
			}
		})
	}
	end := sync.OnceFunc(func() {
		close(stop)
		load.Wait()
	})
	t.Cleanup(end)
	return func() {
		t.Helper()
		end()
		t.Logf("%d requests to %s", sent.Load(), path)
		if failed.Load() > 0 {
			t.Errorf("%d of %d requests to %s failed", failed.Load(), sent.Load(), path)
		}
	}
}

func TestRelease_LongRequestOutlivesRedeploy(t *testing.T) {
	o := newOperator(t)
	o.deploy("patient", "", "v1")
	answered := make(chan int, 1)
	go func() {
		status, _ := visit(t, "/patient/wait?for=6s")
		answered <- status
	}()
	time.Sleep(200 * time.Millisecond)
	o.update("patient", "", "v2")
	if status := <-answered; status != http.StatusOK {
		t.Errorf("a request that was under way during the redeploy got %d", status)
	}
}

func TestRelease_FailureLeavesTheOldOneServing(t *testing.T) {
	o := newOperator(t)
	o.deploy("rock", "", "v1")
	if release := o.update("rock", "crash", "v2"); release.State != "failed" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/rock", "testapp v1")
	if app := o.app("rock"); app.Release != 1 || app.State != "running" {
		t.Errorf("app is %+v, want release 1 running", app)
	}
	eventually(t, 10*time.Second, "the failed instance to be gone", func() bool { return len(containers(t, "rock")) == 1 })
}

func TestRelease_SaysInWordsWhyTheAppDied(t *testing.T) {
	o := newOperator(t)
	for _, test := range []struct{ mode, reason, hint string }{
		{"write", "read-only", "Writable root"},
		{"memory", "ran out of memory", "Memory"},
		{"twice", "could not bind", "Port"},
		{"exit", "exit code 0", "foreground"},
		{"crash", "exit code 1", "log"},
	} {
		release := o.deploy("dies-by-"+test.mode, test.mode, "v1")
		if release.State != "failed" || !strings.Contains(release.Reason, test.reason) || !strings.Contains(release.Hint, test.hint) {
			t.Errorf("%s: release is %+v, want a reason with %q and a hint with %q", test.mode, release, test.reason, test.hint)
		}
	}
}

func TestRelease_RollsBackWithoutBuild(t *testing.T) {
	o := newOperator(t)
	o.deploy("pendulum", "", "v1")
	o.update("pendulum", "", "v2")
	status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/pendulum/rollback", `{"release": 1}`, nil)
	if err != nil || status >= 300 {
		t.Fatalf("rollback: %d, %v", status, err)
	}
	if release := o.wait("pendulum"); release.State != "live" || release.Number != 3 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/pendulum", "testapp v1")
}

func TestRelease_HangingAppDelaysNobodyElse(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("hangs", "hang", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	began := time.Now()
	var answer struct{ Apps []appState }
	if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps", &answer); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the list of apps took %s beside a hanging app", took)
	}
}

// container is the engine's name of an app's instance.
func container(app string, release int) string {
	return berth.Name + "-" + app + "-r" + strconv.Itoa(release)
}

// containers are the engine ids of an app's instances.
func containers(t *testing.T, app string) []string {
	t.Helper()
	return strings.Fields(docker(t, "ps", "--all", "--quiet",
		"--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app="+app))
}
