package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestLabels_AreSetOnTheAppsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/labels", url.Values{"csrf_token": {token}, "project": {" My  shop"}, "tags": {"Web, eu web"}})
	if answer.Header.Get("Location") != "/admin/apps/hello/settings#notice" {
		t.Fatalf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	mustContain(t, s.get("/admin/apps/hello/settings").body, `name="project" value="My shop"`, `name="tags" value="eu web"`)
	mustContain(t, s.get("/admin").body, "<h2>My shop</h2>", `project=My&#43;shop`, `href="/admin?tag=eu"`)
}

func TestLabels_ThatCannotBeAreSaidBesideTheirFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/labels", url.Values{"csrf_token": {token}, "project": {"<b>"}, "tags": {"ok -no"}})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Error(answer.StatusCode)
	}
	mustContain(t, answer.body, `id="labels-project-problem"`, `id="labels-tags-problem"`, `value="&lt;b&gt;"`, `value="ok -no"`)
}

func TestLabels_OfTheAPIKeepWhatARequestLeavesOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, one := range []struct {
		body, want string
		status     int
	}{
		{`{"project": "Shop", "tags": ["web", "eu"]}`, `"project":"Shop","tags":["eu","web"]`, http.StatusOK},
		{`{"tags": ["go"]}`, `"project":"Shop","tags":["go"]`, http.StatusOK},
		{`{"tags": ["two words"]}`, `two words`, http.StatusUnprocessableEntity},
		{`{"project": ""}`, `"tags":["go"]`, http.StatusOK},
		{`{"tags": []}`, `"tags":[]`, http.StatusOK},
		{`{"tags": "go"}`, `tags`, http.StatusUnprocessableEntity},
	} {
		answer := s.bearer(deployToken, http.MethodPatch, "/api/v1/apps/hello", one.body)
		if answer.StatusCode != one.status || !strings.Contains(answer.body, one.want) {
			t.Errorf("%s: %d %s", one.body, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPatch, "/api/v1/apps/none", `{"project": "x"}`); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an app that is not there: %d", answer.StatusCode)
	}
}
