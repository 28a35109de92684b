package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/renaming"
)

// fakeRenames takes every name but taken. The app still does not run, so there is no release.
type fakeRenames struct{}

func (fakeRenames) Rename(_ context.Context, wish renaming.Wish) (app.Name, app.Release, error) {
	to, err := app.ParseName(wish.To)
	if err != nil {
		return "", app.Release{}, err
	}
	if to == "taken" {
		return "", app.Release{}, problem.Conflict("The name taken is in use.", "Choose another one.").At(renaming.FieldName)
	}
	if wish.App == "still" {
		return wish.App, app.Release{}, nil
	}
	return to, aRelease(to, 4, app.ReleaseQueued), nil
}

func TestRename_LeadsToTheReleaseUnderTheNewNameOrSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.anApp("still")
	token := s.signIn()
	send := func(name, to string) answer {
		return s.post("/admin/apps/"+name+"/rename", url.Values{formField: {token}, fieldNewName: {to}, fieldFormerLeads: {"1"}})
	}
	page := s.get("/admin/apps/hello/settings")
	mustContain(t, page.body, "Rename this app", "Redirect /hello to the new path")
	if renamed := send("hello", "store"); renamed.StatusCode != http.StatusSeeOther || !strings.HasPrefix(renamed.Header.Get("Location"), "/admin/apps/store/releases/4") {
		t.Errorf("%d to %q: %.300s", renamed.StatusCode, renamed.Header.Get("Location"), renamed.body)
	}
	if renamed := send("still", "store"); renamed.StatusCode != http.StatusSeeOther || !strings.HasPrefix(renamed.Header.Get("Location"), "/admin/apps/still/settings") {
		t.Errorf("without a release: %d to %q", renamed.StatusCode, renamed.Header.Get("Location"))
	}
	wrong := send("hello", "No Name")
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, `id="new-name-problem"`, `value="No Name"`, `name="redirect_former" value="1" checked`)
	if taken := send("hello", "taken"); taken.StatusCode != http.StatusConflict || !strings.Contains(taken.body, "The name taken is in use.") {
		t.Errorf("%d: %.300s", taken.StatusCode, taken.body)
	}
}

func TestRename_OverTheAPIGivesTheReleaseOrTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.anApp("still")
	if made := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rename", `{"name": "store"}`); made.StatusCode != http.StatusCreated || !strings.Contains(made.body, `"store"`) {
		t.Errorf("%d %s", made.StatusCode, made.body)
	}
	if made := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/still/rename", `{"name": "store"}`); made.StatusCode != http.StatusOK || !strings.Contains(made.body, `"still"`) {
		t.Errorf("%d %s", made.StatusCode, made.body)
	}
	for body, status := range map[string]int{`{"name": "taken"}`: http.StatusConflict, `{"name": "No"}`: http.StatusUnprocessableEntity, `{"title": "x"}`: http.StatusUnprocessableEntity} {
		if refused := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/rename", body); refused.StatusCode != status {
			t.Errorf("%s: %d %s", body, refused.StatusCode, refused.body)
		}
	}
}
