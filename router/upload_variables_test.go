package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

func TestUpload_VariablesReachTheAppAndNoPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.needs(token), `name="environment"`)
	var wish controller.Upload
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		wish = u
		return app.Release{}, problem.Conflict("Taken.", "Another.").At("name")
	}
	const text = "# of the shop\nDATABASE_PASSWORD=hunter2-of-the-shop\nMODE=live\n"
	page := s.upload("/upload", "", newForm(token, part{fieldVariables, text, ""}, zipPart)...)
	if page.StatusCode != http.StatusConflict || len(wish.Environment) != 2 || !wish.Environment[0].Secret ||
		wish.Environment[0].Value.Reveal() != "hunter2-of-the-shop" {
		t.Errorf("%d, %+v", page.StatusCode, wish.Environment)
	}
	if strings.Contains(page.body, "hunter2") {
		t.Error("the form shows the secret again")
	}
	held := s.upload("/upload", "", newForm(token, part{fieldVariables, text, ""}, part{fieldCheck, "true", ""}, zipPart)...)
	if held.StatusCode != http.StatusOK || !strings.Contains(held.body, ">Deploy<") || strings.Contains(held.body, "hunter2") {
		t.Error("the page of what is held shows the secret")
	}
	s.upload("/upload", "", newForm(token, part{fieldVariables, text, ""}, part{fieldPlainVariables, "1", ""}, zipPart)...)
	if wish.Environment[0].Secret {
		t.Error("plain variables became secrets")
	}
}

func TestUpload_WrongVariablesAreSaidWithTheirLineAndNotTheirText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	page := s.upload("/upload", "", newForm(token, part{fieldVariables, "A=1\n\"hunter2", ""}, zipPart)...)
	if page.StatusCode != http.StatusBadRequest && page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", page.StatusCode)
	}
	mustContain(t, page.body, `id="environment-problem"`, "Line 2")
	if strings.Contains(page.body, "hunter2") || s.accepted() != 0 {
		t.Error("the text is shown, or the app was made")
	}
}
