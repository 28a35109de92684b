package router

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/duplicate"
	"berth/controller/problem"
)

// fakeDuplicates makes every app but one that is called taken.
type fakeDuplicates struct{}

func (fakeDuplicates) Duplicate(_ context.Context, wish duplicate.Wish) (app.Release, error) {
	if wish.Name == "taken" {
		return app.Release{}, problem.Conflict("The name taken is in use.", "Choose another one.").At(fieldName)
	}
	return aRelease(wish.Name, 1, app.ReleaseQueued), nil
}

func TestDuplicate_LeadsToTheNewAppOrSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	send := func(name, route string) answer {
		return s.post("/admin/apps/hello/duplicate", url.Values{formField: {token}, fieldTwinName: {name}, fieldTwinRoute: {route}})
	}
	if made := send("again", "/again"); made.StatusCode != http.StatusSeeOther || !strings.HasPrefix(made.Header.Get("Location"), "/admin/apps/again/releases/1") {
		t.Errorf("%d to %q: %.300s", made.StatusCode, made.Header.Get("Location"), made.body)
	}
	wrong := send("No Name", "x y")
	mustContain(t, wrong.body, `id="duplicate-name-problem"`, `id="duplicate-route-problem"`, `value="No Name"`, `value="x y"`)
	taken := send("taken", "/taken")
	if taken.StatusCode != http.StatusConflict {
		t.Errorf("status %d", taken.StatusCode)
	}
	mustContain(t, taken.body, `id="duplicate-name-problem"`, "The name taken is in use.")
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/duplicate", `{"name": "again", "route": "/again"}`)
	if answer.StatusCode != http.StatusCreated || !strings.Contains(answer.body, `"again"`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if missing := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/nothing/duplicate", `{"name": "again", "route": "/again"}`); missing.StatusCode != http.StatusNotFound {
		t.Errorf("of no app: %d", missing.StatusCode)
	}
}
