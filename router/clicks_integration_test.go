//go:build integration

package router

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
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
		w.run(chromedp.WaitVisible(m.click), chromedp.Click(m.click))
	case m.file != "":
		w.run(chromedp.SetUploadFiles(m.field, []string{m.file}))
	case m.option != "":
		w.run(chromedp.WaitVisible(m.field), chromedp.SetValue(m.field, m.option))
	default:
		w.run(chromedp.WaitVisible(m.field), chromedp.SendKeys(m.field, m.text))
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
		{"roll back", 2, []move{{click: toApp}, {click: `#release-1 .row-actions button`}}, ".steps"},
		{"read the logs", 2, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/logs"]`}}, "#logs-panel"},
		{"set a variable", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/environment"]`}, {field: "#variable-name", text: "MODE"}, {field: "#variable-value", text: "one"}, {click: "#set button.main"}}, arrived},
		{"add a domain", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/routes"]`}, {field: "#route", text: "hello.example.org"}, {click: "#add button.main"}}, arrived},
		{"mount a volume", 3, []move{{click: toApp}, {field: "#mount-0-volume", option: "hello"}, {field: "#mount-0-target", text: "/data"}, {click: "#volumes button"}}, ".steps, " + arrived},
		{"protect with a password", 3, []move{{click: toApp}, {click: `a[href="/admin/apps/hello/access"]`}, {field: "#access-user", text: "ann"}, {field: "#access-password", text: goodAccessPassword}, {click: "#users form.stack button.main"}}, "#user-ann"},
		{"give more memory", 2, []move{{click: toApp}, {field: "#settings-memory", text: "0"}, {click: "#settings form > .buttons button"}}, ".steps, " + arrived},
		{"try again", 2, []move{{click: `.app-release a[href="/admin/apps/shop/releases/2"]`}, {click: `.outcome form[action$="/retry"]:last-of-type button`}}, ".steps"},
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
			w.run(chromedp.WaitVisible(task.until))
			w.mustBeClean()
			if clicks > task.most {
				t.Errorf("%d clicks, the most is %d", clicks, task.most)
			}
		})
	}
}
