//go:build integration

package router

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller"
	"berth/controller/app"
)

// TestBrowser_FaultsAreLiftedOnTheForm sends an archive that is refused, takes what the
// form offers, and sends it again without choosing the file once more.
func TestBrowser_FaultsAreLiftedOnTheForm(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	var wish controller.Upload
	s.refuseAll(&wish)
	w := openWindow(t, s)
	look := lookAt(w)
	w.signIn()
	file := filepath.Join(t.TempDir(), "shop.zip")
	if err := os.WriteFile(file, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.open("/upload")
	w.run(chromedp.SendKeys(`#name`, "shop"), chromedp.SendKeys(`#route`, "/shop"), chromedp.SetUploadFiles("#archive", []string{file}),
		chromedp.SendKeys(`#environment`, "KEY=hush-hush"),
		chromedp.Click(`form[data-upload] button.main`), chromedp.WaitVisible(`.faults`))
	look("upload-faults")
	w.run(chromedp.Click(`#ask-host_folders`), chromedp.Click(`#ask-plain-1`), chromedp.Click(`[data-generate]`))
	w.wait(`/^[A-Za-z0-9]{32}$/.test(document.querySelector("[name=value_DB_PASSWORD]").value) && document.querySelector("#environment").value === "KEY=hush-hush"`)
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		wish = u
		return app.Release{}, manyFaults()
	}
	w.run(chromedp.Click(`form[data-upload] button.main`))
	w.wait(`document.querySelector("#ask-host_folders").checked && document.querySelector("#ask-plain-1").checked`)
	if wish.Settings == nil || !wish.Settings.Choices.Volumes || len(wish.Environment) != 2 || wish.Archive == nil {
		t.Errorf("sent %+v", wish)
	}
	w.open("/admin/apps/hello")
	w.run(chromedp.SetUploadFiles("#archive", []string{file}), chromedp.Click(`#update form[data-upload] button.main`), chromedp.WaitVisible(`.faults`))
	look("update-faults")
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{
			Kind: "Compose app", Reasons: []string{"The route leads to web."}, Services: []string{"db", "web"}, Notes: []string{"The container_name of web is left out."},
			Plan: []app.ServicePreview{
				{Name: "db", Image: "postgres:17", Copies: 1, Volumes: []string{"data:/var/lib/postgresql/data"}, Loosens: []string{"database"}},
				{Name: "web", Build: "web/Dockerfile", Main: true, Port: 8080, Copies: 2},
			},
		}, nil
	}
	w.open("/upload")
	w.run(chromedp.SendKeys(`#name`, "shop"), chromedp.SendKeys(`#route`, "/shop"), chromedp.SetUploadFiles("#archive", []string{file}), chromedp.Click("#check"),
		chromedp.Click(`form[data-upload] button.main`), chromedp.WaitVisible(`#held`))
	look("upload-plan")
	w.open("/upload")
	w.run(chromedp.Click(`details.more summary`))
	look("upload-more")
	w.mustBeClean()
}

// lookAt checks the page that is open for what keeps people from using it, and keeps
// pictures of it.
func lookAt(w *window) func(name string) {
	a, pages := newAxe(w), &preview{window: w, folder: os.Getenv("BERTH_TEST_ARTEFACTS")}
	return func(name string) {
		a.check(name)
		if pages.folder != "" {
			pages.shootHere(name)
		}
		a.run(chromedp.EmulateViewport(1280, 800), emulate("light"))
	}
}
