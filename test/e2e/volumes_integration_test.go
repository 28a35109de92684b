//go:build integration

package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestVolumes_WalkFromAnEmptyOneToAnAppThatWritesIntoIt is a person's way with a
// volume: make it, put files in, mount it, and keep it while the app changes.
func TestVolumes_WalkFromAnEmptyOneToAnAppThatWritesIntoIt(t *testing.T) {
	o := newOperator(t)
	o.dropLater("logbook") // after the app, which is removed first
	o.deploy("keeper", "", "v1")
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))

	b.open("/volumes")
	b.run("name the volume", chromedp.SendKeys("#name", "logbook"), chromedp.SendKeys("#description", "what the keeper saw"))
	b.press("/volumes/logbook", "#create button", "form[data-upload]")
	first := write(t, "first.txt", []byte("a light in the fog"))
	b.run("choose a file", chromedp.SetUploadFiles("#file", []string{first}))
	b.waitText("[data-chosen]", "first.txt")
	b.press("/volumes/logbook", "#upload button", "#files")
	b.waitText("#files", "first.txt")
	b.shoot("30-volume")
	b.fits("/volumes/logbook")
	b.open("/volumes")
	b.waitText("main", "logbook")
	b.shoot("31-volumes")
	b.fits("/volumes")

	b.fits("/admin/apps/keeper/volumes")
	b.open("/admin/apps/keeper/volumes")
	b.run("mount it", chromedp.SetValue("#mount-0-volume", "logbook"), chromedp.SendKeys("#mount-0-target", "/data"))
	b.shoot("32-mounts")
	b.press("/admin/apps/keeper/releases/2", "#volumes button", ".steps")
	if release := o.wait("keeper"); release.State != "live" || release.Number != 2 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, time.Second, "/keeper/read?path=/data/first.txt", "a light in the fog")
	if status, body := visit(t, "/keeper/write?path="+url.QueryEscape("/data/second.txt")); status != http.StatusOK {
		t.Errorf("the app writes: %d %s", status, body)
	}
	b.open("/volumes/logbook")
	b.waitText("#files", "second.txt")
	if got := o.download(t, "/api/v1/volumes/logbook/files/second.txt"); got != "x" {
		t.Errorf("downloaded %q, the app wrote x", got)
	}

	// The volume outlives a release, whose predecessor writes no more by then.
	o.update("keeper", "", "v2")
	answers(t, time.Second, "/keeper/read?path=/data/second.txt", "x")

	b.open("/volumes/logbook")
	b.run("type the name", chromedp.SendKeys("#confirm", "logbook"))
	b.press("/volumes/logbook", ".danger button", "#confirm-problem")
	b.waitText("#confirm-problem", "It is mounted by keeper.")
}

// TestVolumes_FailedReleaseLeavesTheOldOneWriting breaks an app that has stopped
// its predecessor for the sake of their volume.
func TestVolumes_FailedReleaseLeavesTheOldOneWriting(t *testing.T) {
	o := newOperator(t)
	o.dropLater("ballast") // after the app, which is removed first
	o.deploy("steady", "", "v1")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/volumes", `{"name": "ballast"}`, nil); err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d, %v", status, err)
	}
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/steady/mounts", `{"mounts": [{"volume": "ballast", "target": "/data"}]}`, nil); err != nil || status != http.StatusCreated {
		t.Fatalf("mount: %d, %v", status, err)
	}
	if release := o.wait("steady"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	o.upload("steady", "", "crash", "v2")
	if release := o.wait("steady"); release.State != "failed" {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 10*time.Second, "/steady", "testapp v1")
	if status, body := visit(t, "/steady/write?path="+url.QueryEscape("/data/after.txt")); status != http.StatusOK {
		t.Errorf("the old instance writes: %d %s", status, body)
	}
}

// dropLater deletes a volume at the end of the test.
func (o *operator) dropLater(name string) {
	ctx := context.WithoutCancel(o.t.Context())
	o.t.Cleanup(func() { _, _ = berth.Send(ctx, o.token, http.MethodDelete, "/api/v1/volumes/"+name, "", nil) })
}

// download is what a GET with the operator's token answers.
func (o *operator) download(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+o.token)
	response, err := o.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
	return string(body)
}
