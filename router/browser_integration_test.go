//go:build integration

package router

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
	"berth/controller/docker"
)

// wait waits until a JavaScript expression is true.
func (w *window) wait(expression string) {
	w.t.Helper()
	ask(w, chromedp.Poll[bool](expression))
}

func (w *window) mustBeClean() {
	w.t.Helper()
	for _, problem := range w.problems() {
		w.t.Error(problem)
	}
}

func TestBrowser_DashboardFollowsChangesAndKeepsTheFocus(t *testing.T) {
	s := newSite(t)
	view := s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin")
	w.run(chromedp.Focus(`[formaction="/admin/apps/hello/stop"]`))
	view.Observed.State = app.Unhealthy
	s.apps.put(view)
	w.wait(`document.querySelector("#app-hello .badge.warn")?.textContent === "unhealthy"`)
	w.wait(`document.activeElement.getAttribute("formaction") === "/admin/apps/hello/stop"`)
	s.anApp("second")
	w.wait(`document.querySelectorAll(".apps tbody tr[id]").length === 2`)
	w.mustBeClean()
	w.run(chromedp.Click(`[formaction="/admin/apps/hello/stop"]`), chromedp.WaitVisible(`.notice.good`))
	w.mustBeClean()
}

func TestBrowser_DashboardFiltersAsOneTypesAndFollowsWhatIsShown(t *testing.T) {
	s := newSite(t)
	for i := range appsOnAPage + 10 {
		s.filed(app.Name(fmt.Sprintf("app-%02d", i)), "Shop", "eu")
	}
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin")
	w.wait(`document.querySelectorAll(".apps tbody tr[id]").length === 50`)
	w.run(chromedp.SendKeys("#filter-text", "pp-05"))
	w.wait(`document.querySelectorAll(".apps tbody tr[id]").length === 1`)
	w.wait(`location.pathname + location.search === "/admin?text=pp-05"`)
	w.wait(`document.activeElement.id === "filter-text" && document.activeElement.value === "pp-05"`)
	view := s.filed("app-05", "Shop", "eu")
	view.Observed.State = app.Unhealthy
	s.apps.put(view)
	w.wait(`document.querySelector("#app-app-05 .badge.warn")?.textContent === "unhealthy"`)
	w.wait(`document.querySelectorAll(".apps tbody tr[id]").length === 1`)
	w.run(chromedp.Click(`[formaction="/admin/apps/app-05/stop"]`), chromedp.WaitVisible(`.notice .undo`))
	w.wait(`location.pathname + location.search === "/admin?text=pp-05"`)
	w.run(chromedp.Click(`.notice .undo button`), chromedp.WaitVisible(`.notice.good:not(:has(.undo))`))
	w.wait(`location.pathname + location.search === "/admin?text=pp-05"`)
	w.mustBeClean()
}

func TestBrowser_ReleasePageFollowsToTheEnd(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	id := app.ReleaseID{App: "hello", Number: 3}
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseBuilding))
	s.apps.appendLog(id, "first\n")
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/apps/hello/releases/3")
	for i := range 200 {
		s.apps.appendLog(id, fmt.Sprintf("line %d <b>\n", i))
	}
	w.wait(`document.querySelectorAll(".log li").length === 201`)
	w.wait(`document.querySelector(".log li:last-child").textContent === "line 199 <b>"`)
	w.wait(`(p => p.scrollHeight - p.scrollTop - p.clientHeight < 2)(document.getElementById("log-panel"))`)
	w.run(chromedp.Evaluate[chromedp.Void](`document.getElementById("log-panel").scrollTop = 0`))
	w.wait(`!document.querySelector("[data-follow]").checked`)
	s.apps.appendLog(id, "while reading above\n")
	w.wait(`document.querySelectorAll(".log li").length === 202`)
	w.wait(`document.getElementById("log-panel").scrollTop === 0`)
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseVerifying))
	w.wait(`document.querySelector(".steps .now .step-name").textContent === "Verifying"`)
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseLive))
	w.run(chromedp.WaitVisible(`.outcome.good`))
	w.mustBeClean()
}

func TestBrowser_UploadGoesToTheReleasePage(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	w.signIn()
	archive := filepath.Join(t.TempDir(), "My App.tar.gz")
	if err := os.WriteFile(archive, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w.open("/upload")
	w.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.WaitVisible(`#held`)) // it is looked into at once
	w.mustBeClean()
	w.wait(`document.getElementById("name").value === "my-app" && document.getElementById("route").value === "/my-app"`)
	w.run(chromedp.Click(`#held button.main`), chromedp.WaitVisible(`.steps`))
	if path := ask(w, chromedp.Evaluate[string](`location.pathname`)); path != "/admin/apps/my-app/releases/1" {
		t.Errorf("at %s", path)
	}
	if calls := s.apps.called(); calls[len(calls)-1] != "accept my-app /my-app 0 My App.tar.gz by admin" {
		t.Errorf("calls %q", calls)
	}
	w.mustBeClean()
}

func TestBrowser_OutputIsFollowed(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/apps/hello")
	w.wait(`document.querySelector(".log-empty")?.textContent.includes("nothing yet")`)
	s.apps.change(func() { s.apps.output = append(s.apps.output, docker.Line{Text: "hello <i>world"}) })
	w.wait(`document.querySelector("#output-panel li span")?.textContent === "hello <i>world" && !document.querySelector(".log-empty")`)
	w.mustBeClean()
}

func TestBrowser_AccessOfAnAppIsChangedByItsForms(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/apps/hello/access")
	w.run(chromedp.SendKeys("#access-user", "ann"), chromedp.SendKeys("#access-password", goodAccessPassword), chromedp.Click(`#users form.stack button.main`), chromedp.WaitVisible(`#user-ann`))
	w.run(chromedp.Click(`#user-ann button`), chromedp.WaitVisible(`#closed-title`))
	w.run(chromedp.Click(`section.outcome button`), chromedp.WaitVisible(`#users .badge.idle`))
	w.run(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	w.wait(`document.documentElement.scrollWidth <= window.innerWidth`)
	w.run(chromedp.SendKeys("#maintenance-text", "Back <b>soon</b>"), chromedp.Click(`#maintenance button`), chromedp.WaitVisible(`#maintenance .badge.warn`))
	w.mustBeClean()
}
