package router

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller"
	"berth/controller/app"
)

// uploadFaults sends an archive with many faults, takes what the form offers, and sends it
// again.
func (p *preview) uploadFaults(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "shop.zip")
	if err := os.WriteFile(archive, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	wait := func(expression string) { ask(p.window, chromedp.Poll[bool](expression)) }
	var wish controller.Upload
	p.site.refuseAll(&wish)
	defer func() { p.site.apps.onAccept, p.site.apps.onExamine = nil, nil }()
	send := chromedp.Click(`form[data-upload] button.main`)

	p.open("/upload")
	p.run(chromedp.SendKeys(`#name`, "store"), chromedp.SendKeys(`#route`, "/store"), chromedp.SetUploadFiles("#archive", []string{archive}),
		chromedp.SendKeys(`#environment`, "KEY=hush-hush"), send, chromedp.WaitVisible(`.faults`))
	p.shootHere("upload-faults")
	p.run(chromedp.Click(`#ask-host_folders`), chromedp.Click(`#ask-plain-1`), chromedp.Click(`[data-generate]`))
	wait(`/^[A-Za-z0-9]{32}$/.test(document.querySelector("[name=value_DB_PASSWORD]").value) && document.querySelector("#environment").value === "KEY=hush-hush"`)
	p.run(send)
	wait(`document.querySelector("#ask-host_folders").defaultChecked && document.querySelector("#ask-plain-1").defaultChecked`)
	if wish.Settings == nil || !wish.Settings.Choices.Volumes || len(wish.Environment) != 2 || wish.Archive == nil {
		t.Errorf("sent %+v", wish)
	}
	p.open("/admin/apps/hello")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.Click(`#update form[data-upload] button.main`), chromedp.WaitVisible(`.faults`))
	p.shootHere("update-faults")

	p.site.apps.onExamine = func(controller.Upload) (app.Preview, error) { return aPlan(), nil }
	p.open("/upload")
	p.run(chromedp.SendKeys(`#name`, "store"), chromedp.SendKeys(`#route`, "/store"), chromedp.SetUploadFiles("#archive", []string{archive}),
		chromedp.Click("#check"), send, chromedp.WaitVisible(`#held`))
	p.shootHere("upload-plan")
	p.open("/upload")
	p.run(chromedp.Click(`details.more summary`))
	p.shootHere("upload-more")
}

// aPlan is the preview of an app of two services.
func aPlan() app.Preview {
	return app.Preview{
		Kind: "Compose app", Reasons: []string{"The route leads to web.", "The container_name of web is left out."}, Services: []string{"db", "web"},
		Notes: []string{"The container_name of web is left out."},
		Plan: []app.ServicePreview{
			{Name: "db", Image: "postgres:17", Copies: 1, Volumes: []string{"data:/var/lib/postgresql/data"}, Loosens: []string{"database"}},
			{Name: "web", Build: "web/Dockerfile", Main: true, Port: 8080, Copies: 2},
		},
	}
}
