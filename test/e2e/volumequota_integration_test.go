//go:build integration

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestVolumes_AnAppThatWritesOverTheQuotaIsStoppedAndSaysSo lets an app fill its volume
// beside one that does not, and starts it again once a person has made room.
func TestVolumes_AnAppThatWritesOverTheQuotaIsStoppedAndSaysSo(t *testing.T) {
	o := newOperator(t)
	for _, name := range []string{"greedy", "modest"} {
		o.dropLater(name + "-data") // after the app, which is removed first
		o.deploy(name, "", "v1")
		o.volume(name + "-data")
		mounts := fmt.Sprintf(`{"mounts": [{"volume": "%s-data", "target": "/data"}]}`, name)
		if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/"+name+"/mounts", mounts, nil); err != nil || status != http.StatusCreated {
			t.Fatalf("mount: %d, %v", status, err)
		}
		if release := o.wait(name); release.State != "live" {
			t.Fatalf("release is %+v", release)
		}
		if status, body := visit(t, "/"+name+"/write?path=/data/little"); status != http.StatusOK {
			t.Fatalf("the app writes: %d %s", status, body)
		}
	}
	for file := range 3 { // at once each would be more memory than the app has
		if status, body := visit(t, fmt.Sprintf("/greedy/write?path=/data/much-%d&megabytes=100", file)); status != http.StatusOK {
			t.Fatalf("the app writes: %d %s", status, body)
		}
	}
	began := time.Now()
	eventually(t, 2*time.Minute, "the app over its quota to be stopped", func() bool { return o.app("greedy").State == "stopped" })
	t.Logf("stopped after %s", time.Since(began))
	var app struct{ Detail string }
	eventually(t, time.Minute, "the page to tell all that was written", func() bool {
		if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/greedy", &app); err != nil {
			t.Fatal(err)
		}
		return strings.HasPrefix(app.Detail, "The volume greedy-data holds 300 MB of 256 MB.")
	})
	answers(t, time.Second, "/modest", "testapp v1")
	start := func() int {
		status, err := berth.API(t.Context(), o.token, http.MethodPost, "/api/v1/apps/greedy/start", nil)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if status := start(); status != http.StatusInsufficientStorage {
		t.Errorf("a start without room: %d", status)
	}
	status, err := berth.Send(t.Context(), o.token, http.MethodPut, "/api/v1/volumes/greedy-data/files/more", "x", nil)
	if err != nil || status != http.StatusInsufficientStorage {
		t.Errorf("an upload without room: %d, %v", status, err)
	}
	for range 2 { // the pass that makes the neighbour again looks at every app; when the second does, the first is over
		docker(t, "rm", "--force", instancesOf(t, "modest")[0])
		answers(t, converge, "/modest", "testapp v1")
	}
	if state := o.app("greedy").State; state != "stopped" {
		t.Errorf("later the app is %s", state)
	}
	// A quota of its own gives it room.
	status, err = berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/volumes/greedy-data/quota", `{"quota": "1g"}`, nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("a quota: %d, %v", status, err)
	}
	if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/greedy", &app); err != nil {
		t.Fatal(err)
	}
	if want := "There is room in the volume greedy-data again: it holds 300 MB of 1 GB. Start the app."; app.Detail != want {
		t.Errorf("the page says %q", app.Detail)
	}
	if status := start(); status != http.StatusOK {
		t.Errorf("a start with room: %d", status)
	}
	time.Sleep(15 * time.Second) // a look of the watch
	if state := o.app("greedy").State; state != "running" {
		t.Errorf("with room the app is %s", state)
	}
	answers(t, time.Second, "/greedy", "testapp v1")
}
