package router

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
)

const anImage = "nginxinc/nginx-unprivileged:1.27"

const fullImage = "docker.io/nginxinc/nginx-unprivileged:1.27"

// noFilePart is what a browser sends for a file field that was left empty.
var noFilePart = part{"archive", "", ""}

func TestImage_StandsInPlaceOfTheArchive(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]part{
		"a browser's form": {{"image", anImage, ""}, noFilePart},
		"curl -F":          {{"image", anImage, ""}},
	} {
		s := newSite(t)
		answer := s.upload("/upload", "", newForm(s.signIn(), parts...)...)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/1#main" {
			t.Errorf("%s: %d to %q: %.500s", name, answer.StatusCode, answer.Header.Get("Location"), answer.body)
		}
		if want := []string{"accept hello /hello 3000 " + fullImage + " by admin"}; !slices.Equal(s.apps.called(), want) {
			t.Errorf("%s: calls %q, want %q", name, s.apps.called(), want)
		}
	}
}

func TestImage_AndAnArchiveAreOneTooMany(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, answer := range []answer{
		s.upload("/upload", "", newForm(token, part{"image", anImage, ""}, zipPart)...),
		s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{"image", anImage, ""}, zipPart),
	} {
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("status %d", answer.StatusCode)
		}
		mustContain(t, answer.body, `id="image-problem"`, "There are both an archive and an image.", `value="`+anImage+`"`)
	}
	_, held := s.check("/upload", token)
	before := s.accepted()
	answer := s.upload("/upload", "", newForm(token, part{"held", held, ""}, part{"image", anImage, ""})...)
	if answer.StatusCode != http.StatusUnprocessableEntity || s.accepted() != before {
		t.Errorf("beside a held archive: %d, %q", answer.StatusCode, s.apps.called())
	}
}

func TestImage_WhatIsNoReferenceIsSaidBesideTheField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	for text, want := range map[string]string{
		"nginx": "The image has no tag", "<b>:1": "not the name of an image", "--privileged": "not the name of an image",
	} {
		answer := s.upload("/upload", "", newForm(token, part{"image", text, ""}, noFilePart)...)
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", text, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="image-problem"`, want)
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestImage_UpdateAndPullAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Reference, live.Image, live.Digest = fullImage, "sha256:bb", "nginxinc/nginx-unprivileged@sha256:cc"
	s.apps.putRelease(live)
	token := s.signIn()
	page := s.get("/admin/apps/hello").body
	mustContain(t, page, "Pull again", `name="image" value="`+fullImage+`"`, "pinned to <code>nginxinc/nginx-unprivileged@sha256:cc</code>")
	mustContain(t, s.get("/admin/apps/hello/releases/2").body, "nginxinc/nginx-unprivileged@sha256:cc")
	shown := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/2", "").body)
	if shown["image"] != fullImage || shown["pinned"] != "nginxinc/nginx-unprivileged@sha256:cc" {
		t.Errorf("the API shows %v", shown)
	}
	answer := s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{"image", fullImage, ""})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Fatalf("%d to %q: %.500s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	if want := "run " + fullImage + " by admin hello"; !slices.Contains(s.apps.called(), want) {
		t.Errorf("calls %q, want %q", s.apps.called(), want)
	}
}

func TestImage_ThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("there")
	answer := s.upload("/api/v1/apps", deployToken, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"image", anImage, ""})
	if answer.StatusCode != http.StatusCreated {
		t.Errorf("create: %d %s", answer.StatusCode, answer.body)
	}
	answer = s.upload("/api/v1/apps/there/update", deployToken, part{"image", anImage, ""})
	if answer.StatusCode != http.StatusCreated || decode(t, answer.body)["image"] != fullImage {
		t.Errorf("update: %d %s", answer.StatusCode, answer.body)
	}
	answer = s.upload("/api/v1/apps", deployToken, part{"name", "other", ""}, part{"route", "/other", ""}, part{"image", anImage, ""}, zipPart)
	if answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != "image" {
		t.Errorf("both: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.upload("/api/v1/apps", readToken, part{"name", "other", ""}, part{"route", "/other", ""}, part{"image", anImage, ""}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("scope read: %d", answer.StatusCode)
	}
	if answer := s.upload("/api/v1/apps", deployToken, part{"check", "true", ""}, part{"image", anImage, ""}); answer.StatusCode != http.StatusOK {
		t.Errorf("check: %d %s", answer.StatusCode, answer.body)
	}
}

func TestImage_OfAnUpdateHasNothingToLookAtFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, answer := range []answer{
		s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{"check", "true", ""}, part{"image", anImage, ""}, noFilePart),
	} {
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("status %d", answer.StatusCode)
		}
		mustContain(t, answer.body, "nothing to preview")
	}
	if s.accepted() > 0 {
		t.Errorf("deployed: %q", s.apps.called())
	}
}

func TestAPI_AppAndReleaseTellTheirVolumes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	if shown := decode(t, s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello", "").body); fmt.Sprint(shown["mounts"]) != "[]" {
		t.Errorf("without volumes it shows %v", shown["mounts"])
	}
	view.Mounts = []app.Mount{{Volume: "data", Target: "/data", ReadOnly: true}}
	s.apps.put(view)
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Mounts = view.Mounts
	s.apps.putRelease(live)
	for _, path := range []string{"/api/v1/apps/hello", "/api/v1/apps/hello/releases/2"} {
		shown := decode(t, s.bearer(readToken, http.MethodGet, path, "").body)
		if got := fmt.Sprint(shown["mounts"]); got != "[map[read_only:true target:/data volume:data]]" {
			t.Errorf("%s shows %s", path, got)
		}
	}
}

func TestFallback_IsAFieldOfTheUploadAndASetting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("there")
	token := s.signIn()
	mustContain(t, s.needs(token), `name="fallback"`, "For static sites alone")
	s.upload("/upload", "", newForm(token, part{"fallback", "1", ""}, zipPart)...)
	if want := "accept hello /hello 3000 My App.zip with fallback by admin"; !slices.Contains(s.apps.called(), want) {
		t.Errorf("calls %q, want %q", s.apps.called(), want)
	}
	mustContain(t, s.get("/admin/apps/there/settings").body, "takes effect with the next upload")
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/there/settings", `{"fallback": true}`)
	if answer.StatusCode >= 300 || !strings.Contains(strings.Join(s.apps.called(), "\n"), "Fallback:true") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}

func TestWaiver_DatabaseStandsInRedAndNeedsAnAdminsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("shop")
	form := settingsOf(s.signIn())
	form.Set("database", "1")
	form.Set("database_services", "db")
	if answer := s.post("/admin/apps/shop/settings", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %.500s", answer.StatusCode, answer.body)
	}
	if calls := strings.Join(s.apps.called(), "\n"); !strings.Contains(calls, "Database:true DatabaseServices:db") {
		t.Errorf("calls %q", calls)
	}
	const path = "/api/v1/apps/shop/settings"
	answer := s.bearer(deployToken, http.MethodPost, path, `{"database": true}`)
	if answer.StatusCode != http.StatusForbidden || decode(t, answer.body)["field"] != "database" {
		t.Errorf("scope deploy: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(adminToken, http.MethodPost, path, `{"database": true, "database_services": ["db"]}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("scope admin: %d %s", answer.StatusCode, answer.body)
	}
	view.Settings.Database, view.Settings.DatabaseServices = true, "db"
	s.apps.put(view)
	mustContain(t, s.get("/admin/apps/shop").body, `<span class="badge bad">Security exception: database (db)</span>`)
	mustContain(t, s.get("/admin/apps/shop/settings").body, `name="database_services" value="db"`)
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"database_services": ["db", "web"]}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("one more service with scope deploy: %d", answer.StatusCode)
	}
}

func TestWaiver_ThatTheOperatorForbidsIsSaidSoOnTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apps.forbidden = []app.Waiver{app.WaiverDatabase}
	s.anApp("shop")
	s.signIn()
	page := s.get("/admin/apps/shop/settings").body
	mustContain(t, page, "The operator of this server forbids it", `name="database" value="1" aria-describedby="settings-database-hint" disabled`)
	if strings.Contains(page, `settings-writable_root-hint" disabled`) {
		t.Error("the other waiver is forbidden too")
	}
}

func TestWaiver_OfDatabasesCanBeGivenWithTheUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.needs(token), `class="check bad-text" for="database"`)
	s.upload("/upload", "", newForm(token, part{"database", "1", ""}, zipPart)...)
	if calls := strings.Join(s.apps.called(), "\n"); !strings.Contains(calls, "waived database") {
		t.Errorf("calls %q", calls)
	}
	parts := []part{{"name", "db", ""}, {"route", "/db", ""}, {"database", "true", ""}, zipPart}
	answer := s.upload("/api/v1/apps", deployToken, parts...)
	if answer.StatusCode != http.StatusForbidden || decode(t, answer.body)["field"] != "database" {
		t.Errorf("scope deploy: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.upload("/api/v1/apps", adminToken, parts...); answer.StatusCode != http.StatusCreated {
		t.Errorf("scope admin: %d %s", answer.StatusCode, answer.body)
	}
	s.apps.forbidden = []app.Waiver{app.WaiverDatabase}
	mustContain(t, s.needs(token), "The operator of this server forbids it", `name="database" value="1" aria-describedby="database-hint" disabled`)
}
