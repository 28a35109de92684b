//go:build integration

package router

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
	"berth/test/patience"
)

// move is one thing that a person does on the way through a task. Typing is no click, and
// choosing a file or an option is one.
type move struct{ click, field, text, file, option string }

func (m move) clicks() int {
	if m.text != "" {
		return 0
	}
	return 1
}

func (m move) do(w *window) {
	switch {
	case m.click != "":
		w.see(m.click)
		w.run(chromedp.Click(m.click))
	case m.file != "":
		w.run(chromedp.SetUploadFiles(m.field, []string{m.file}))
	case m.option != "":
		w.see(m.field)
		w.run(chromedp.SetValue(m.field, m.option))
	default:
		w.see(m.field)
		w.run(chromedp.SendKeys(m.field, m.text))
	}
}

// see waits until something is visible, also where the browser is between two pages.
func (w *window) see(selector string) {
	w.t.Helper()
	visible := fmt.Sprintf(`[...document.querySelectorAll(%q)].some(one => one.checkVisibility())`, selector)
	if !patience.Eventually(20*time.Second, func() bool {
		seen, err := chromedp.Run(w.browser, chromedp.Evaluate[bool](visible))
		return err == nil && seen
	}) {
		w.t.Fatalf("%s was never seen", selector)
	}
}

// The places from where ways go on. A page that moves is changed here alone.
const (
	toApp   = `.app-name a[href="/admin/apps/hello"]`
	arrived = "#notice"
)

// TestClicks_TheCommonestTasksTakeAFewEach goes from the dashboard to the end of each task.
func TestClicks_TheCommonestTasksTakeAFewEach(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "shop.tar.gz")
	if err := os.WriteFile(archive, make([]byte, 1<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, task := range []struct {
		name  string
		most  int
		way   []move
		until string // what is seen at the end
	}{
		{"deploy", 3, []move{{click: `.bar nav a[href="/upload"]`}, {field: "#archive", file: archive}, {click: "#held button.main"}}, ".steps"},
		{"update", 3, []move{{click: toApp}, {field: "#update #archive", file: archive}, {click: "#update form[data-upload] button.main"}}, ".steps"},
		{"roll back", 2, []move{{click: `#app-hello .app-release a.figure`}, {click: `#release-1 .row-actions button`}}, ".steps"},
		{"read the logs", 1, []move{{click: `#app-hello .app-logs`}}, "#logs-panel"},
		{"set a variable", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/environment"]`}, {field: "#variable-name", text: "MODE"}, {field: "#variable-value", text: "one"}, {click: "#set button.main"}}, arrived},
		{"add a domain", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/routes"]`}, {field: "#route", text: "hello.example.org"}, {click: "#add button.main"}}, arrived},
		{"mount a volume", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/volumes"]`}, {field: "#new-volume-name", text: "hello-new"}, {field: "#new-volume-target", text: "/data"}, {click: "#new-volume .buttons button"}}, ".steps, " + arrived},
		{"protect with a password", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/access"]`}, {field: "#access-user", text: "ann"}, {field: "#access-password", text: goodAccessPassword}, {click: "#users form.stack button.main"}}, "#user-ann"},
		{"give more memory", 2, []move{{click: `#app-hello .app-memory a`}, {field: "#settings-memory", text: "0"}, {click: "#settings form > .buttons button"}}, ".steps, " + arrived},
		{"try again", 1, []move{{click: `#app-shop .app-actions button[formaction$="/retry"]`}}, ".steps"},
	} {
		t.Run(task.name, func(t *testing.T) {
			s := newSite(t)
			view := s.anApp("hello")
			ran := aRelease("hello", 1, app.ReleaseSuperseded)
			ran.Image = "sha256:1"
			s.apps.putRelease(ran)
			s.apps.put(view)
			failing := s.anApp("shop")
			failed := aRelease("shop", 2, app.ReleaseFailed)
			failed.Archive = "kept"
			failing.Latest = &failed
			s.apps.putRelease(failed)
			s.apps.put(failing)
			s.volumes.volume(t, "hello")
			w := openWindow(t, s)
			w.signIn()
			w.open("/admin")
			clicks := 0
			for _, step := range task.way {
				clicks += step.clicks()
				step.do(w)
			}
			w.see(task.until)
			w.mustBeClean()
			if clicks > task.most {
				t.Errorf("%d clicks, the most is %d", clicks, task.most)
			}
		})
	}
}
