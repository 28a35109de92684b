//go:build integration

package e2e

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"berth/test/stack"
)

// killBroker ends the broker's process as a power cut would. The engine starts it again.
func killBroker(t *testing.T) {
	t.Helper()
	pid, err := strconv.Atoi(docker(t, "inspect", "--format", "{{.State.Pid}}", berth.Name+"-broker"))
	if err != nil || pid < 2 {
		t.Fatalf("the broker's process: %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// state waits until the newest release of the app has the state.
func (o *operator) state(name, want string) {
	o.t.Helper()
	eventually(o.t, time.Minute, "the release of "+name+" to be "+want, func() bool {
		var answer struct{ Releases []releaseState }
		if _, err := berth.API(o.t.Context(), o.token, http.MethodGet, "/api/v1/apps/"+name+"/releases", &answer); err != nil {
			o.t.Fatal(err)
		}
		return answer.Releases[0].State == want
	})
}

// convergesOn checks that the release has ended well or in words, that the app answers, and that nothing is left but what
// belongs to it.
func (o *operator) convergesOn(name, before, after string) {
	o.t.Helper()
	release := o.wait(name)
	want := after
	if release.State != "live" {
		want = before
		if release.State != "failed" || release.Reason == "" {
			o.t.Errorf("the release is %+v", release)
		}
	}
	answers(o.t, converge, "/"+name, "testapp "+want)
	eventually(o.t, converge, "one instance alone to be left", func() bool { return len(containers(o.t, name)) == 1 })
	eventually(o.t, converge, "no helper and no image of nobody to be left", func() bool {
		helpers := docker(o.t, "ps", "--all", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.role=helper")
		networks := docker(o.t, "network", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app="+name)
		return helpers == "" && len(strings.Fields(networks)) == 1
	})
	if next := o.update(name, "", "v9"); next.State != "live" {
		o.t.Errorf("the next release is %+v", next)
	}
	answers(o.t, converge, "/"+name, "testapp v9")
}

// slowBuild is the test app with a build that takes some seconds.
func slowBuild(t *testing.T, version string) []byte {
	t.Helper()
	files, err := berth.AppFiles("", version)
	if err != nil {
		t.Fatal(err)
	}
	files["Dockerfile"] = []byte("FROM python:3.11-slim\nRUN sleep 8 && echo " + version + "\nCOPY app mode version /\nEXPOSE 8000\nCMD [\"/app\"]\n")
	archive, err := stack.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func TestBrokerKilled_DuringABuild(t *testing.T) {
	o := newOperator(t)
	o.deploy("forge", "", "v1")
	if status, body := o.send("forge", "", "app.zip", slowBuild(t, "v2")); status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", status, body)
	}
	o.state("forge", "building")
	time.Sleep(time.Second) // into the step that takes long
	killBroker(t)
	answers(t, converge, "/forge", "testapp v1")
	o.convergesOn("forge", "v1", "v2")
}

func TestBrokerKilled_DuringAStart(t *testing.T) {
	o := newOperator(t)
	o.deploy("slowpoke", "", "v1")
	o.upload("slowpoke", "", "slow", "v2")
	o.state("slowpoke", "starting")
	killBroker(t)
	answers(t, converge, "/slowpoke", "testapp v1")
	o.convergesOn("slowpoke", "v1", "v2")
}

func TestBrokerKilled_DuringALogStream(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("counter", "number", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	client := signInAs(t, resetPassword(t), "e2e")
	defer client.CloseIdleConnections()
	_, stream := outputPage(t, client)
	before := followOutput(t, client, stream, 500)
	killBroker(t)
	last := slices.Max(before)
	eventually(t, converge, "the output to go on", func() bool {
		response, err := client.Get(berth.Pages + "/admin/apps/counter/output")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		page, _ := io.ReadAll(response.Body)
		if response.StatusCode == http.StatusInternalServerError {
			t.Errorf("without the broker the page says %.300s", page)
		}
		shown := numbers(t, string(page))
		return len(shown) > 0 && slices.Max(shown) > last
	})
	_, stream = outputPage(t, client)
	if after := followOutput(t, client, stream, 500); len(after) < 500 {
		t.Errorf("a stream after the kill has %d lines", len(after))
	}
	if found := o.app("counter"); found.State != "running" {
		t.Errorf("the app is %+v", found)
	}
}
