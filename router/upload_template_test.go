package router

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/secret"
)

// askingTemplate previews a template that asks for a few variables.
func askingTemplate(controller.Upload) (app.Preview, error) {
	asked := func(name, value string, isSecret, follows bool) app.TemplateVariable {
		return app.TemplateVariable{VariableWish: app.VariableWish{Name: name, Value: secret.Text(value), Secret: isSecret}, Follows: follows}
	}
	return app.Preview{Kind: "Compose app", Asked: []app.TemplateVariable{
		asked("PASSWORD", "", true, false), asked("TITLE", `A "shop"`, false, false), asked("TEXT", "two\nlines", false, false), asked("URL", "", true, true),
		{VariableWish: app.VariableWish{Name: "ADMIN_PASS", Secret: true}, Known: true},
	}}, nil
}

func TestTemplate_ThePreviewAsksForItsValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = askingTemplate
	page, held := s.check("/upload", token)
	mustContain(t, page.body, "Values of the template", `name="value_PASSWORD"`, `data-generate="asked-0"`, "Berth generates a value if the field is empty.", "which anyone can read there, is used",
		`name="value_TITLE" value="A &#34;shop&#34;"`, `<input type="hidden" name="plain" value="TITLE">`, `name="value_TEXT" value=""`, "own value is used if the field is empty")
	if strings.Contains(page.body, "value_URL") || strings.Contains(page.body, `name="plain" value="PASSWORD"`) {
		t.Error("the page asks for what follows, or keeps a password plain")
	}
	var wish controller.Upload
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		wish = u
		return aRelease(u.Name, 1, app.ReleaseQueued), nil
	}
	answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""}, part{"value_PASSWORD", "typed", ""}, part{"value_TITLE", "Mine", ""},
		part{"value_TEXT", "", ""}, part{"plain", "TITLE", ""}, part{"plain", "TEXT", ""})...)
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.500s", answer.StatusCode, answer.body)
	}
	want := []app.VariableWish{{Name: "PASSWORD", Value: "typed", Secret: true}, {Name: "TITLE", Value: "Mine"}}
	if !slices.Equal(wish.Environment, want) || !slices.Equal(wish.Plain, []string{"TITLE", "TEXT"}) {
		t.Errorf("got %+v, plain %q", wish.Environment, wish.Plain)
	}
}

func TestTemplate_AProgramIsToldItsVariables(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apps.onExamine = askingTemplate
	answer := s.upload("/api/v1/apps", deployToken, part{fieldCheck, "true", ""}, zipPart)
	mustContain(t, answer.body, `"variables":[{"name":"PASSWORD","secret":true},{"name":"TITLE","secret":false,"value":"A \"shop\""},{"name":"TEXT","secret":false,"value":"two\nlines"},{"name":"URL","secret":true},{"name":"ADMIN_PASS","secret":true}]`)
}
