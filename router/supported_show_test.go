package router

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/compose"
	"berth/controller/plan"
	"berth/controller/problem"
)

func TestSupported_ShowsEveryKeyOfTheTableOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	page := s.get("/admin/compose")
	if page.StatusCode != http.StatusOK {
		t.Fatalf("status %d", page.StatusCode)
	}
	text := html.UnescapeString(page.body)
	for _, key := range compose.Keys() {
		if path := "<code>" + strings.ReplaceAll(key.Path, ".[]", "[]") + "</code>"; strings.Count(text, path) != 1 {
			t.Errorf("%s is there %d times", key.Path, strings.Count(text, path))
		}
		if !strings.Contains(text, key.Text) || !strings.Contains(text, key.Instead) {
			t.Errorf("%s: its text is not there", key.Path)
		}
		if id := `id="key-` + identifier(key.Path) + `"`; strings.Count(text, id) != 1 {
			t.Errorf("%s: the anchor %s is there %d times", key.Path, id, strings.Count(text, id))
		}
	}
	mustContain(t, page.body, `href="#show-refused"`, `id="show-refused"`)
}

func TestSupported_IsLinkedFromTheFormAndFromARefusedFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	if got := strings.Count(s.get("/upload").body, `href="/admin/compose"`); got != 1 {
		t.Errorf("%d links on the form", got)
	}
	for file, links := range map[string]int{"compose.yaml": 2, "deep/docker-compose.yml": 2, "Dockerfile": 1} {
		s.apps.onAccept = func(controller.Upload) (app.Release, error) {
			return app.Release{}, problem.Invalid(
				"No.",
				"Write it.",
			).At("archive").Because(&plan.Refusal{File: file, Line: 3, Reason: "No."})
		}
		if got := strings.Count(s.upload("/upload", "", newForm(token, zipPart)...).body, `href="/admin/compose"`); got != links {
			t.Errorf("%s: %d links, want %d", file, got, links)
		}
	}
}
