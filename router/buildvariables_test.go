package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
)

func TestBuildVariables_AreMarkedOnThePageAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	token := s.signIn()
	answer := s.send(token, "", "name", "URL", "value", "u", "kind", "variable", "build", "1")
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get("/admin/apps/hello/environment").body, "also at build")
	mustContain(t, s.get("/admin/apps/hello/environment?name=URL").body, `name="build" value="1" aria-describedby="variable-build-hint" checked`)

	const path = "/api/v1/apps/hello/environment"
	patch := func(body string) string { return s.bearer(deployToken, http.MethodPatch, path, body).body }
	mustContain(t, patch(`{"variables": {"URL": "v"}}`), `"build":["URL"]`)
	mustContain(t, patch(`{"variables": {"URL": "v"}, "build": []}`), `"build":[]`)
	mustContain(t, patch(`{"variables": {"URL": "v", "MODE": "x"}, "build": ["MODE"]}`), `"build":["MODE"]`)
	for _, body := range []string{`{"secrets": {"KEY": "hush-hush"}, "build": ["KEY"]}`, `{"build": ["OTHER"]}`, `{"variables": {"BUILDKIT_SYNTAX": "x"}, "build": ["BUILDKIT_SYNTAX"]}`} {
		if answer := s.bearer(deployToken, http.MethodPatch, path, body); answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `"build"`) || strings.Contains(answer.body, "hush") {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
}

func TestBuildVariables_OfASecretAreRefusedBesideTheMark(t *testing.T) {
	t.Parallel()
	s := newStoried(t)
	answer := s.send(s.signIn(), "", "name", "KEY", "value", "hush-hush", "kind", "secret", "build", "1")
	if answer.StatusCode != http.StatusUnprocessableEntity || strings.Contains(answer.body, "hush") {
		t.Errorf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, `id="variable-build-problem"`, "--mount=type=secret,id=KEY")
}

func TestBuildVariables_OfAnUploadArePlain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	var wish controller.Upload
	s.refuseAll(&wish)
	s.upload("/upload", "", newForm(token, part{"environment", "URL=u\nKEY=hush-hush", ""}, part{"build", "URL", ""}, zipPart)...)
	if len(wish.Environment) != 2 || wish.Environment[0].Secret || !wish.Environment[0].Build || !wish.Environment[1].Secret || wish.Environment[1].Build {
		t.Errorf("environment %+v", wish.Environment)
	}
	wish = controller.Upload{}
	page := s.upload("/upload", "", newForm(token, part{"build", "URL", ""}, zipPart)...)
	mustContain(t, page.body, `id="build-problem"`, "has no value here")
	if wish.Name != app.Name("") {
		t.Error("it was uploaded all the same")
	}
}
