package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/problem"
	"berth/examples"
)

// look sends what there is to deploy from the first page, without a file.
func (s *site) look(token string, fields ...part) answer {
	return s.upload("/upload", "", append([]part{{formField, token, ""}, {fieldCheck, "true", ""}}, fields...)...)
}

// TestSource_TwoPagesLeadFromWhatThereIsToARelease walks the pages as a browser without
// script does.
func TestSource_TwoPagesLeadFromWhatThereIsToARelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("my-app")
	token := s.signIn()
	page := s.look(token, zipPart)
	if page.StatusCode != http.StatusOK {
		t.Fatalf("%d %.500s", page.StatusCode, page.body)
	}
	mustContain(t, page.body, "Deploy My App.zip", `name="name" value="my-app-2"`, `name="route" value="/my-app-2"`, "<summary>Advanced</summary>", `role="img"`)
	held := heldPattern.FindStringSubmatch(page.body)[1]
	answer := s.upload("/upload", "", part{formField, token, ""}, part{fieldHeld, held, ""}, part{"name", "my-app-2", ""}, part{"route", "/my-app-2", ""}, part{"port", "", ""})
	if answer.Header.Get("Location") != "/admin/apps/my-app-2/releases/1#main" {
		t.Errorf("%d %.500s", answer.StatusCode, answer.body)
	}
}

func TestSource_WhatIsPastedBecomesAnArchive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	folder := realUploads(t, s)
	token := s.signIn()
	got := map[string]string{}
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Preview{}, err
		}
		defer tree.Close()
		for _, entry := range tree.Entries() {
			if entry.Kind == archive.File {
				text, err := tree.ReadFile(t.Context(), entry.Path, 1<<20)
				if err != nil {
					return app.Preview{}, err
				}
				got[entry.Path] = string(text)
			}
		}
		return app.Preview{Kind: "Compose app", Plan: []app.ServicePreview{{Name: "shop", Main: true}}}, nil
	}
	page := s.look(token, part{fieldComposeText, "services:\r\n  shop: {build: .}\r\n", ""}, part{fieldDockerfileText, "FROM scratch\r\n", ""})
	mustContain(t, page.body, "Deploy compose.yaml", `name="name" value="shop"`, `name="route" value="/shop"`, `name="held"`)
	if page.StatusCode != http.StatusOK || len(got) != 2 || got["compose.yaml"] != "services:\n  shop: {build: .}\n" || got["Dockerfile"] != "FROM scratch\n" {
		t.Errorf("%d, got %q", page.StatusCode, got)
	}
	clear(got)
	mustContain(t, s.look(token, part{fieldDockerfileText, "FROM scratch", ""}, part{fieldComposeText, " ", ""}).body, "Deploy Dockerfile")
	if len(got) != 1 || got["Dockerfile"] != "FROM scratch" {
		t.Errorf("got %q", got)
	}
	if s.accepted() != 0 {
		t.Errorf("calls %q", s.apps.called())
	}
}

func TestSource_ARefusedPastedFileIsSaidBesideItAndNeverShownAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{}, problem.Invalid("This is no compose file.", "Write one.").At("archive")
	}
	page := s.look(token, part{fieldComposeText, "password: hunter2", ""})
	mustContain(t, page.body, `id="compose_text-problem"`, "This is no compose file.")
	if page.StatusCode != http.StatusUnprocessableEntity || strings.Contains(page.body, "hunter2") || len(s.apps.held) != 0 {
		t.Errorf("%d, held %v", page.StatusCode, s.apps.held)
	}
}

func TestSource_EachExampleIsAnArchive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	folder := realUploads(t, s)
	token := s.signIn()
	files := 0
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Preview{}, err
		}
		defer tree.Close()
		files = len(tree.Entries())
		return app.Preview{Kind: "App"}, nil
	}
	for _, example := range examples.All() {
		files = 0
		page := s.look(token, part{fieldExample, example.Name, ""})
		mustContain(t, page.body, `name="name" value="`+example.Name+`"`)
		if page.StatusCode != http.StatusOK || files < 3 {
			t.Errorf("%s: %d, %d files", example.Name, page.StatusCode, files)
		}
	}
	page := s.look(token, part{fieldExample, "../hello", ""})
	mustContain(t, page.body, `id="example-problem"`)
	if page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another example: %d", page.StatusCode)
	}
}

func TestSource_AnImageIsAskedForItsNameAndRoute(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{Kind: "Image", Plan: []app.ServicePreview{{Name: "main", Image: fullImage, Main: true}}}, nil
	}
	token := s.signIn()
	page := s.look(token, part{fieldImage, "ghcr.io/owner/My_Tool:1.2", ""}, noFilePart)
	if page.StatusCode == http.StatusOK {
		t.Error("an image with capitals is taken")
	}
	page = s.look(token, part{fieldImage, "ghcr.io/owner/my_tool:1.2", ""})
	mustContain(t, page.body, `name="image" value="ghcr.io/owner/my_tool:1.2"`, `name="name" value="my-tool"`, ">Deploy<")
	if strings.Contains(page.body, `name="held"`) || strings.Contains(page.body, `name="check"`) {
		t.Error("it asks for an archive")
	}
	answer := s.upload("/upload", "", part{formField, token, ""}, part{fieldImage, "ghcr.io/owner/my_tool:1.2", ""}, part{"name", "my-tool", ""}, part{"route", "/my-tool", ""})
	if answer.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %.500s", answer.StatusCode, answer.body)
	}
	other := s.upload("/upload", "", part{formField, token, ""}, part{fieldImage, "ghcr.io/owner/my_tool:1.2", ""}, part{"name", "my-tool", ""}, part{"route", "/my-tool", ""}, part{fieldOther, "true", ""})
	mustContain(t, other.body, `type="file"`, "Begin with what you have.")
}

func TestSource_RefusesMoreThanOneThing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	example := part{fieldExample, "static-site", ""}
	for name, parts := range map[string][]part{
		"an example and a file":   {example, zipPart},
		"an example and an image": {example, {fieldImage, anImage, ""}},
		"an example and a text":   {example, {fieldDockerfileText, "FROM scratch", ""}},
		"a text and a file":       {{fieldDockerfileText, "FROM scratch", ""}, zipPart},
		"an image and a file":     {{fieldImage, anImage, ""}, zipPart},
	} {
		if page := s.look(token, parts...); page.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, page.StatusCode)
		}
	}
	large := part{fieldComposeText, strings.Repeat("#", pastedBytes+1), ""}
	if page := s.look(token, large); page.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large text: %d", page.StatusCode)
	}
	if len(s.apps.held) != 0 || s.accepted() != 0 {
		t.Errorf("held %v", s.apps.held)
	}
}

func TestSource_AnArchiveWithFaultsThatTheFormLiftsIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	var wish controller.Upload
	s.refuseAll(&wish)
	page := s.look(token, zipPart)
	if page.StatusCode != http.StatusUnprocessableEntity || len(s.apps.held) != 1 {
		t.Fatalf("%d, held %v", page.StatusCode, s.apps.held)
	}
	mustContain(t, page.body, "8 faults. The first:", `name="value_DB_PASSWORD"`, `name="plain" value="TZ"`, `name="name" value="my-app"`, ">Preview again<")
	if strings.Contains(page.body, `type="file"`) {
		t.Error("it asks for the file again")
	}
	held := heldPattern.FindStringSubmatch(page.body)[1]
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		wish = u
		return app.Preview{Kind: "Compose app"}, nil
	}
	page = s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""}, part{fieldAgain, "true", ""}, part{"main", "cache", ""}, part{fieldDockerfile, "docker/Dockerfile", ""})...)
	mustContain(t, page.body, `name="held" value="`+held+`"`, `<input id="name" name="name" value="hello"`)
	if page.StatusCode != http.StatusOK || wish.Held.ID != held || wish.Settings.Choices.Main != "cache" || wish.Dockerfile != "docker/Dockerfile" || s.accepted() != 0 {
		t.Errorf("%d, wish %+v", page.StatusCode, wish)
	}
}

func TestSource_ADockerfileFurtherDownCanBeChosen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{}, problem.Refused(fieldArchive, problem.Refusals{{
			Reason: "No Dockerfile at the top.", Hint: "Choose one.", Offer: problem.OfferDockerfile, Subject: "docker/Dockerfile,web.Dockerfile",
		}})
	}
	page := s.look(token, zipPart)
	mustContain(t, page.body, "<option>docker/Dockerfile</option><option>web.Dockerfile</option>", "No Dockerfile at the top.")
	if n := strings.Count(page.body, `name="dockerfile"`); n != 1 || len(s.apps.held) != 1 {
		t.Errorf("%d fields, held %v", n, s.apps.held)
	}
}

func TestSource_AnUpdateThatIsRefusedOffersWhatLiftsItBesideTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	var wish controller.Upload
	_, held := s.check("/admin/apps/hello/update", token)
	s.refuseAll(&wish)
	for name, page := range map[string]answer{
		"a look":         s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{fieldCheck, "true", ""}, zipPart),
		"a held archive": s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{fieldHeld, held, ""}),
	} {
		if page.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, page.StatusCode)
		}
		mustContain(t, page.body, `type="file"`, `name="host_folders"`, "8 faults. The first:")
	}
}
