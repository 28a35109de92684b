package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/plan"
)

// comparedSite has two releases of hello that differ in everything.
func comparedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.anApp("hello")
	s.keepArchive(1, "same.txt", "1", "edited.txt", "1", "gone.txt", "1")
	s.keepArchive(2, "same.txt", "1", "edited.txt", "2", payload+"new.txt", "1")
	s.apps.variables = map[int64][]app.Variable{
		1: {{Name: "KEY", Sealed: []byte("sealed-before")}, {Name: "MODE", Value: "value-before"}},
		2: {{Name: "KEY", Sealed: []byte("sealed-after")}, {Name: "MODE", Value: "value-after"}, {Name: "NEW", Value: "value-new"}},
	}
	for number, memory := range map[int64]int64{1: 256 << 20, 2: 512 << 20} {
		release, err := s.apps.Release(t.Context(), app.ReleaseID{App: "hello", Number: number})
		if err != nil {
			t.Fatal(err)
		}
		release.Settings.MemoryBytes = memory
		spec := release.Settings.PlanOptions().Service()
		spec.Command = []string{"serve", "--mode", s.apps.variables[number][1].Value}
		if number == 2 {
			spec.Command = append(spec.Command, "--key", plan.SecretReference("KEY"))
		}
		release.Services = []app.ServiceRun{{Spec: spec, Main: true, Sole: true, Image: release.Image}}
		s.apps.putRelease(release)
	}
	return s
}

func TestDiff_PageShowsWhatChangedAndNoValue(t *testing.T) {
	t.Parallel()
	s := comparedSite(t)
	s.signIn()
	page := s.get("/admin/apps/hello/releases/2/diff")
	if page.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	mustContain(t, page.body, "r1 → r2 of hello", "1 added, 1 removed, 1 changed", "edited.txt", "gone.txt", "&lt;script&gt;",
		"sha256:aa", "sha256:bb", "KEY", "MODE", "NEW", "256 MB", "512 MB", "serve --mode ${MODE} --key ${KEY}",
		`<option value="1" selected>r1, superseded`, `<option value="2" selected>r2, live`)
	for _, hidden := range []string{"value-", "sealed-", payload, "same.txt"} {
		if strings.Contains(page.body, hidden) {
			t.Errorf("the page shows %q", hidden)
		}
	}
	mustContain(t, s.get("/admin/apps/hello/releases").body, "/admin/apps/hello/releases/2/diff")
}

func TestDiff_PageShowsLinesWithSecretsHidden(t *testing.T) {
	t.Parallel()
	s := comparedSite(t)
	s.keepArchive(1, "edited.txt", "one\ntwo\n", "logo.png", "\x00")
	s.keepArchive(2, "edited.txt", "one\n"+payload+"\n", "logo.png", "\x01")
	s.apps.variables = nil
	s.signIn()
	page := s.get("/admin/apps/hello/releases/2/diff")
	mustContain(t, page.body, `<span class="line-removed">-two</span>`, `<span class="line-added">&#43;&#34;&gt;&lt;script&gt;`, "<code>logo.png</code>: A binary file.")
	if strings.Contains(page.body, payload) {
		t.Error("the page holds what a file holds as it is")
	}
}

func TestDiff_LinesAreOnlyForATokenThatMayHaveTheArchive(t *testing.T) {
	t.Parallel()
	s := comparedSite(t)
	s.apps.variables = nil
	const path = "/api/v1/apps/hello/releases/2/diff"
	if answer := s.bearer(readToken, http.MethodGet, path+"/lines", ""); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a token that only reads gets %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodGet, path, ""); strings.Contains(answer.body, "@@") {
		t.Errorf("lines are in %s", answer.body)
	}
	mustContain(t, s.bearer(deployToken, http.MethodGet, path+"/lines", "").body, `"lines":["@@ -1,1 +1,1 @@","-1",`)
}

func TestDiff_FormLeadsToTheChosenReleasesWithoutScript(t *testing.T) {
	t.Parallel()
	s := comparedSite(t)
	s.signIn()
	answer := s.get("/admin/apps/hello/releases/2/diff?with=2&to=1")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/1/diff?with=2" {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	mustContain(t, s.get(answer.Header.Get("Location")).body, "r2 → r1 of hello")
	mustContain(t, s.get("/admin/apps/hello/releases/1/diff").body, "No earlier release ran")
	for path, want := range map[string]int{"?with=x": http.StatusUnprocessableEntity, "?to=x": http.StatusUnprocessableEntity, "?with=99": http.StatusNotFound} {
		if answer := s.get("/admin/apps/hello/releases/2/diff" + path); answer.StatusCode != want {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}

func TestDiff_OfTheAPI(t *testing.T) {
	t.Parallel()
	s := comparedSite(t)
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/2/diff", "")
	found := decode(t, answer.body)
	if found["from"] != 1.0 || found["to"] != 2.0 || found["same"] != false || strings.Contains(answer.body, "value-") {
		t.Errorf("%s", answer.body)
	}
	files := found["files"].(map[string]any)
	if files["added"] != 1.0 || files["removed"] != 1.0 || files["changed"] != 1.0 || len(files["list"].([]any)) != 3 || len(found["variables"].([]any)) != 3 {
		t.Errorf("%s", answer.body)
	}
	same := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/2/diff?with=2", "").body)
	if same["same"] != true {
		t.Errorf("a release differs from itself: %v", same)
	}
	for path, want := range map[string]int{"1/diff": http.StatusNotFound, "2/diff?with=99": http.StatusNotFound, "2/diff?with=0": http.StatusUnprocessableEntity} {
		if answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/"+path, ""); answer.StatusCode != want {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.body)
		}
	}
}
