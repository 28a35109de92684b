package router

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
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
	p.open("/upload")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.WaitVisible(`.faults`))
	p.shootHere("upload-faults")
	p.run(chromedp.Click(`#ask-host_folders`), chromedp.Click(`#ask-plain-1`), chromedp.Click(`[data-generate]`))
	wait(`/^[A-Za-z0-9]{32}$/.test(document.querySelector("[name=value_DB_PASSWORD]").value)`)
	p.run(chromedp.Click(`#held [name=again]`), chromedp.Sleep(time.Second))
	wait(`document.querySelector("#ask-host_folders").defaultChecked && document.querySelector("#ask-plain-1").defaultChecked`)
	if wish.Settings == nil || !wish.Settings.Choices.Volumes || len(wish.Environment) != 1 || wish.Held.ID == "" {
		t.Errorf("sent %+v", wish)
	}
	p.open("/admin/apps/hello")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.Click(`#update form[data-upload] button.main`), chromedp.WaitVisible(`.faults`))
	p.shootHere("update-faults")

	p.site.apps.onExamine = func(controller.Upload) (app.Preview, error) { return aPlan(), nil }
	p.open("/upload")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.WaitVisible(`#held`))
	p.shootHere("upload-plan")
	p.open("/upload")
	p.run(chromedp.SendKeys("#image", "ghcr.io/owner/tool:1.2"), chromedp.Click(`form[aria-labelledby="image-title"] button`), chromedp.WaitVisible(`#held`))
	p.shootHere("upload-image")
}

// aPlan is the preview of an app of two services.
func aPlan() app.Preview {
	return app.Preview{
		Kind: "Compose app", Reasons: []string{"The route leads to web.", "The container_name of web is left out."}, Services: []string{"db", "cache", "migrate", "worker", "web"},
		Notes:  []string{"The container_name of web is left out."},
		Routes: []plan.RouteWish{{Route: "/metrics", Service: "worker", Port: 9100, File: "compose.yaml", Line: 12}},
		Bound: []plan.Bound{
			{Service: "web", Target: "/etc/web/site.conf", Source: "site.conf", As: plan.BoundImage},
			{Service: "web", Target: "/srv/media", Source: "media", Folder: true, As: plan.BoundVolume},
		},
		Plan: []app.ServicePreview{
			{Name: "db", Image: "postgres:17", Copies: 1, Volumes: []string{"data:/var/lib/postgresql/data"}, Loosens: []string{"database"}},
			{Name: "cache", Image: "redis:8-alpine", Copies: 1},
			{Name: "migrate", Build: "web/Dockerfile", Copies: 1, Uses: []string{"db"}, Runs: plan.Never},
			{Name: "worker", Build: "web/Dockerfile", Copies: 1, Uses: []string{"db", "cache"}},
			{Name: "web", Uses: []string{"db", "cache", "migrate"}, Volumes: []string{"uploads:/srv/uploads"}, Build: "web/Dockerfile", Main: true, Port: 8080, Copies: 2},
		},
	}
}
