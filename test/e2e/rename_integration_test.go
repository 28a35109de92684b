//go:build integration

package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// rename asks for another name, and waits for the end of the release under it.
func (o *operator) rename(name, to, body string) releaseState {
	o.t.Helper()
	status, err := berth.Send(o.t.Context(), o.token, http.MethodPost, "/api/v1/apps/"+name+"/rename", body, nil)
	if err != nil || status != http.StatusCreated {
		o.t.Fatalf("rename %s to %s: %d, %v", name, to, status, err)
	}
	return o.wait(to)
}

// TestRename_TakesDataRoutesAndLogsAlong renames an app that writes into a volume and prints.
func TestRename_TakesDataRoutesAndLogsAlong(t *testing.T) {
	o := newOperator(t)
	o.dropLater("cargo") // after the app, which is removed first
	o.upload("tug", "/tug", "number", "v1")
	t.Cleanup(func() { o.remove("ferry") })
	if release := o.wait("tug"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	o.volume("cargo")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/tug/mounts", `{"mounts": [{"volume": "cargo", "target": "/data"}]}`, nil); err != nil || status != http.StatusCreated {
		t.Fatalf("mount: %d, %v", status, err)
	}
	if release := o.wait("tug"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	if status, body := visit(t, "/tug/write?path="+url.QueryEscape("/data/first.txt")); status != http.StatusOK {
		t.Fatalf("the app writes: %d %s", status, body)
	}
	eventually(t, 30*time.Second, "lines of the app", func() bool { return len(o.keptLines("tug", "&release=2")) > 100 })

	if release := o.rename("tug", "ferry", `{"name": "ferry"}`); release.State != "live" || release.Number != 3 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 5*time.Second, "/ferry/read?path=/data/first.txt", "x")
	if status, _ := visit(t, "/tug"); status != http.StatusNotFound {
		t.Errorf("the former path answers %d", status)
	}
	lines := o.keptLines("ferry", "&release=2")
	if len(lines) <= 100 {
		t.Errorf("of the lines before the rename %d are kept", len(lines))
	}
	eventually(t, 30*time.Second, "lines of the new release in the same log", func() bool { return len(o.keptLines("ferry", "&release=3")) > 100 })
	rested(t)
	kill(t)
	answers(t, converge, "/ferry/read?path=/data/first.txt", "x")
	if o.logOf("ferry", 1) == "" {
		t.Error("the log of the first release is gone")
	}
	eventually(t, converge, "one container to be left", func() bool { return len(instancesOf(t, "tug")) == 1 })
}

// TestRename_ComposeAppKeepsItsVolumeAndAnotherAppGetsItsName renames the guestbook, whose volume is
// called by its name, and then deploys another one under the former name.
func TestRename_ComposeAppKeepsItsVolumeAndAnotherAppGetsItsName(t *testing.T) {
	o := newOperator(t)
	book := newGuestbook(t)
	o.shipBook(book, "/book", "first")
	t.Cleanup(func() {
		o.remove("shelf")
		o.remove("book")
		removeVolumes(t, "book")
		removeVolumes(t, "book--2")
	})
	if release := o.wait("book"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	sign(t, "Ada", "I was here")
	store := idOf(t, "book-r1.store")

	if release := o.rename("book", "shelf", `{"name": "shelf", "redirect": true}`); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 5*time.Second, "/shelf/", "I was here")
	if now := idOf(t, "book-r1.store"); now != store {
		t.Error("the store was started anew for a name")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(berth.Apps + "/book/?page=2")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if to := response.Header.Get("Location"); response.StatusCode != http.StatusFound || !strings.HasSuffix(to, "/shelf/?page=2") {
		t.Errorf("the former path answers %d to %q", response.StatusCode, to)
	}

	o.shipBook(book, "/book", "second")
	if release := o.wait("book"); release.State != "live" || release.Number != 1 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 5*time.Second, "/book/", "second")
	if _, body := visit(t, "/book/"); strings.Contains(body, "I was here") {
		t.Error("the new app reads what the renamed one has written")
	}
	answers(t, time.Second, "/shelf/", "I was here")
	eventually(t, converge, "two containers of each", func() bool {
		return len(instancesOf(t, "book")) == 2 && slices.Equal(instancesOf(t, "book--2"), []string{berth.Name + "-book--2-r1.store", berth.Name + "-book--2-r1.web"})
	})
}
