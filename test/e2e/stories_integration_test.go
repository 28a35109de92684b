//go:build integration

package e2e

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/test/patience"
	"berth/test/stack"
)

// uploadByForm sends the test app in that mode through the upload form of the browser, with
// one more line in its Dockerfile.
func (b *browser) uploadByForm(name, mode, line string, fill ...step) {
	b.t.Helper()
	files, err := berth.AppFiles(mode, "v1")
	if err != nil {
		b.t.Fatal(err)
	}
	files["Dockerfile"] = append(files["Dockerfile"], line+"\n"...)
	archive, err := stack.Zip(files)
	if err != nil {
		b.t.Fatal(err)
	}
	b.sendByForm(name, archive, ".steps", fill...)
}

// sendByForm sends an archive through the upload form of the browser, at the route /NAME, until
// the answer shows landing.
func (b *browser) sendByForm(name string, archive []byte, landing string, fill ...step) {
	b.t.Helper()
	file := write(b.t, name+".zip", archive)
	page := "/admin/apps/" + name + "/releases/1"
	answer := append([]step{chromedp.SetValue("#name", name), chromedp.SetValue("#route", "/"+name)}, fill...)
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); {
		b.send(file, "#held")
		b.run("deploy "+name, append(answer, chromedp.Click("#held button.main"))...)
		// A container that comes or goes breaks an upload: it is sent again then.
		patience.Eventually(10*time.Second, func() bool { return b.sees(landing) || b.lostUpload() })
		if b.sees(landing) {
			return
		}
		if b.open(page); b.sees(landing) {
			return
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("the archive of %s was never taken", name)
}

// lostUpload reports whether the page says that an upload or its answer was lost.
func (b *browser) lostUpload() bool {
	b.t.Helper()
	if eval[string](b, `location.pathname`) != "/upload" {
		return true // the page looked for the app, and found it
	}
	text := b.text("body")
	return slices.ContainsFunc([]string{networkChanged, "Send it again.", "The connection is lost."}, func(words string) bool {
		return strings.Contains(text, words)
	})
}

// failsWith opens the page of the app's first release, which must have failed for that
// reason, and takes its picture.
func (b *browser) failsWith(o *operator, name, picture string, words ...string) {
	b.t.Helper()
	release := o.wait(name)
	if release.State != "failed" {
		b.t.Fatalf("release of %s is %+v", name, release)
	}
	b.open("/admin/apps/" + name + "/releases/1")
	for _, word := range words {
		if text := b.text(".outcome"); !strings.Contains(text, word) {
			b.t.Errorf("%s: the page does not say %q: %s", name, word, text)
		}
	}
	b.shoot(picture)
	b.fits("/admin/apps/" + name + "/releases/1")
}

// triesAgain presses a button of the failed release, and the next one must serve.
func (b *browser) triesAgain(name, button string) {
	b.t.Helper()
	b.press("/admin/apps/"+name+"/releases/2", button, ".steps .now, .outcome.good")
	b.waitText(".outcome", "answers at")
	answers(b.t, 5*time.Second, "/"+name, "testapp v1")
}

// TestStories_AppsThatFailAreToldWhyAndTriedAgain are the ways in which a first release
// fails most often, all through the form and on the real engine: the wrong port, the
// wrong address, a write to what is read-only, and a crash.
func TestStories_AppsThatFailAreToldWhyAndTriedAgain(t *testing.T) {
	o := newOperator(t)
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))
	soon := chromedp.SetValue("#start_time", "30s") // nobody needs to wait a minute for what never listens there
	for _, app := range []struct {
		name, mode, line string
		fill             []step
	}{
		{"otherport", "port", "", []step{soon}},
		{"inside", "loopback", "", []step{soon}},
		{"writes", "write-data", "WORKDIR /data", nil},
		{"crashes", "crash", "", nil},
	} {
		b.uploadByForm(app.name, app.mode, app.line, app.fill...)
		t.Cleanup(func() { o.remove(app.name) })
	}
	b.open("/admin/apps/otherport/releases/1") // it is named while the release still waits
	b.waitText("ol.log", "The app listens on port 5000, not on port 8000.")

	b.failsWith(o, "crashes", "53-crash", "ended with exit code 1", "Try again")
	crashedInTime(t, o)
	b.failsWith(o, "writes", "52-read-only", "wrote to /data/state, which is read-only", "Mount a volume at /data and try again", "Allow a writable root")
	b.triesAgain("writes", "form[action$='/retry']:has([name=volume]) button.main")
	docker(t, "restart", container("writes", 2))
	answers(t, converge, "/writes", "testapp v1")
	t.Cleanup(func() {
		_, _ = berth.API(context.Background(), o.token, http.MethodDelete, "/api/v1/volumes/writes-data", nil)
	})

	b.failsWith(o, "otherport", "50-wrong-port", "listens on port 5000, not on port 8000", "Use port 5000 and try again")
	b.triesAgain("otherport", "form[action$='/retry']:has([name=port][type=hidden]) button.main")
	b.failsWith(o, "inside", "51-loopback", "listens on 127.0.0.1:8000 only", "0.0.0.0")
}

// crashedInTime: the release of the app that crashes failed within 3 s of its second exit.
func crashedInTime(t *testing.T, o *operator) {
	t.Helper()
	var answer struct {
		Releases []struct {
			Finished time.Time `json:"finished_at"`
		}
	}
	if _, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/crashes/releases", &answer); err != nil {
		t.Fatal(err)
	}
	exits := strings.Fields(docker(t, "events", "--since", "10m", "--until", "0s", "--format", "{{.TimeNano}}",
		"--filter", "event=die", "--filter", "container="+container("crashes", 1)))
	if len(exits) < 2 {
		t.Fatalf("it ended %d times", len(exits))
	}
	nanoseconds, err := strconv.ParseInt(exits[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	took := answer.Releases[0].Finished.Sub(time.Unix(0, nanoseconds))
	t.Logf("the release failed %s after the second exit", took)
	if took > patience.Of(3*time.Second) {
		t.Errorf("the release failed %s after the second exit", took)
	}
}

// TestStories_AHostIsOfferedWhereTheFirstPageFindsNoFiles: below a path, what the page
// looks for at the top of the host is nobody's; on a host of its own it is there.
func TestStories_AHostIsOfferedWhereTheFirstPageFindsNoFiles(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("styled", "page", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	if status, _ := visit(t, "/static/site.css"); status != http.StatusNotFound {
		t.Errorf("the style at the top: %d", status)
	}
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))
	b.open("/admin/apps/styled")
	b.waitText("#assets", "/static/site.css")
	b.shoot("54-files-not-found")
	b.fits("/admin/apps/styled")
	b.press("/admin/apps/styled/routes", "#assets button", "table.routes")
	b.waitText("table.routes", "styled.localhost")
	eventually(t, converge, "the style on the app's own host", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Apps+"/static/site.css", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "styled.localhost"
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode == http.StatusOK
	})
	b.open("/admin/apps/styled")
	if b.sees("#assets") {
		t.Errorf("the page still says: %s", b.text("#assets"))
	}
}

// TestStories_APageThatLosesItsStreamSaysSo, and takes it back when the stream returns.
func TestStories_APageThatLosesItsStreamSaysSo(t *testing.T) {
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))
	b.open("/admin")
	docker(t, "stop", "--time", "5", berth.Controller())
	started := false
	start := func() {
		if !started {
			started = true
			docker(t, "start", berth.Controller())
		}
	}
	defer start()
	b.waitText("#main", "Live updates stopped. Reload.")
	b.shoot("55-stream-lost")
	start()
	eventually(t, time.Minute, "the page to follow again", func() bool { return !strings.Contains(b.text("#main"), "Live updates stopped") })
	if !b.sees("#apps") {
		t.Error("the dashboard is gone")
	}
}
