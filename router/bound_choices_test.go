package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
)

// boundPreview is a preview of two places, as the settings of the upload choose for them.
func boundPreview(u controller.Upload) (app.Preview, error) {
	chosen := map[string]plan.BoundAs{}
	if u.Settings != nil {
		chosen = u.Settings.Choices.Bound.Map()
	}
	preview := app.Preview{Kind: "Compose app", Services: []string{"web"}, Plan: []app.ServicePreview{{Name: "web", Image: "nginx:1", Main: true}}, Bound: []plan.Bound{
		{Service: "web", Target: "/etc/app.conf", Source: "app.conf", As: plan.BoundImage},
		{Service: "web", Target: "/srv/data", Source: "seed", Folder: true, As: plan.BoundVolume},
	}}
	for i, bound := range preview.Bound {
		if as, given := chosen[bound.Key()]; given {
			preview.Bound[i].As = as
		}
	}
	return preview, nil
}

const (
	fileInImage    = `<option value="web:/etc/app.conf=image">Part of the image</option><option value="web:/etc/app.conf=volume">`
	fileInVolume   = `<option value="web:/etc/app.conf=volume" selected>`
	folderInImage  = `<option value="web:/srv/data=volume">`
	folderInVolume = `<option value="web:/srv/data=volume" selected>`
)

func TestBound_IsOfferedOnThePreviewAndPreselected(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = boundPreview
	page := s.upload("/upload", "", newForm(token, part{"name", "shop", ""}, part{"route", "/shop", ""}, part{fieldCheck, "1", ""}, zipPart)...).body
	mustContain(t, page, "<code>app.conf</code> at <code>/etc/app.conf</code> of web", fileInImage, folderInVolume)
	id := heldPattern.FindStringSubmatch(page)[1]
	again := newForm(token, part{"name", "shop", ""}, part{"route", "/shop", ""}, part{fieldHeld, id, ""}, part{fieldAgain, "true", ""},
		part{"bound", "web:/etc/app.conf=volume", ""}, part{"bound", "web:/srv/data=image", ""})
	mustContain(t, s.upload("/upload", "", again...).body, fileInVolume, folderInImage)
	wrong := newForm(token, part{fieldHeld, id, ""}, part{fieldAgain, "true", ""}, part{"bound", "web:/etc/app.conf=disk", ""})
	mustContain(t, s.upload("/upload", "", wrong...).body, "is no choice between image and volume", fileInImage)
}

func TestBound_OnAnUpdateKeepsTheChoicesThatItDoesNotName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("shop")
	view.Settings.Choices.Bound = "web:/etc/app.conf=volume,web:/srv/data=image"
	s.apps.put(view)
	token := s.signIn()
	s.apps.onExamine = boundPreview
	page := s.upload("/admin/apps/shop/update", "", newForm(token, part{fieldCheck, "1", ""}, part{"bound", "web:/srv/data=volume", ""}, zipPart)...).body
	mustContain(t, page, fileInVolume, folderInVolume)
	if strings.Contains(page, `type="hidden" name="bound"`) {
		t.Error("the choice is in the form twice")
	}
}

func TestBound_IsASettingOfTheAppOnItsPageAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("shop")
	form := settingsOf(s.signIn())
	form.Set("bound", "web:/a=volume, web:/b=image")
	if answer := s.post("/admin/apps/shop/settings", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %.500s", answer.StatusCode, answer.body)
	}
	if calls := strings.Join(s.apps.called(), "\n"); !strings.Contains(calls, "Bound:web:/a=volume,web:/b=image") {
		t.Errorf("calls %q", calls)
	}
	form.Set("bound", "web:/a=disk")
	mustContain(t, s.post("/admin/apps/shop/settings", form).body, `no choice between image and volume`, `id="settings-bound-problem"`)
	view.Settings.Choices.Bound = "web:/a=volume"
	s.apps.put(view)
	mustContain(t, s.get("/admin/apps/shop/settings").body, `name="bound" value="web:/a=volume"`)
	answer := s.bearer(adminToken, http.MethodPost, "/api/v1/apps/shop/settings", `{"memory_mb": 128}`)
	if answer.StatusCode != http.StatusCreated || !strings.HasSuffix(strings.Join(s.apps.called(), "\n"), "by token ci shop") || !strings.Contains(strings.Join(s.apps.called(), "\n"), "Bound:web:/a=volume Dotenv") {
		t.Errorf("the API changed what it does not name: %d %s", answer.StatusCode, answer.body)
	}
	s.apps.onExamine = boundPreview
	answer = s.upload("/api/v1/apps", adminToken, part{"name", "new", ""}, part{"route", "/new", ""}, part{fieldCheck, "1", ""}, part{"bound", "web:/etc/app.conf=volume", ""}, zipPart)
	mustContain(t, answer.body, `"bound":[{"choice":"web:/etc/app.conf","source":"app.conf","folder":false,"as":"volume"},{"choice":"web:/srv/data","source":"seed","folder":true,"as":"volume"}]`)
}
