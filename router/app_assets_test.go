package router

import (
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

func TestApp_SaysThatTheFirstPageDoesNotFindItsFilesAndOffersAHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	s.signIn()
	release := aRelease("hello", 1, app.ReleaseLive)
	s.apps.putRelease(release)
	if strings.Contains(s.get("/admin/apps/hello").body, `id="assets"`) {
		t.Error("it warns of nothing")
	}
	release.Remedy = problem.Remedy{Missing: 2, MissingFile: "/static/<i>.css"}
	s.apps.putRelease(release)
	mustContain(t, s.get("/admin/apps/hello").body, "2 files of the first page are not found below <code>/hello</code>", "<code>/static/&lt;i&gt;.css</code> and others",
		`action="/admin/apps/hello/routes"`, `name="route" value="hello.localhost"`, `name="anyway"`, "Add the host hello.localhost")
	release.Remedy.Missing = 1
	s.apps.putRelease(release)
	mustContain(t, s.get("/admin/apps/hello").body, "A file of the first page is not found")
	view.Routes = append(view.Routes, traefik.Route{Host: "hello.localhost", Path: "/"})
	s.apps.put(view)
	if strings.Contains(s.get("/admin/apps/hello").body, `id="assets"`) {
		t.Error("it still offers a host that the app has")
	}
}

func TestHostOf_IsBesideTheAdminAppsOwn(t *testing.T) {
	t.Parallel()
	for admin, want := range map[string]string{
		"berth.localhost": "hello.localhost", "berth.example.com": "hello.example.com", "hello.example.com": "", "berth.lan": "", "localhost": "", "": "",
	} {
		if got := (publicAddress{adminHost: admin}).hostOf("hello"); got != want {
			t.Errorf("beside %q: %q, want %q", admin, got, want)
		}
	}
}

func TestDashboard_ShowsMaintenanceAsAStateOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	s.signIn()
	const state = `<span class="badge warn"`
	if page := s.get("/admin").body; strings.Contains(page, "maintenance") {
		t.Error("an app that serves is in maintenance")
	}
	view.Access.Maintenance.On = true
	s.apps.put(view)
	for _, path := range []string{"/admin", "/admin/apps/hello"} {
		page := s.get(path).body
		mustContain(t, page, state, "maintenance</span>", "/admin/apps/hello/stop")
		if strings.Contains(page, ">running</span>") {
			t.Errorf("%s says running", path)
		}
	}
	view.Observed.State = app.Crashing // that is worse, and said first
	s.apps.put(view)
	mustContain(t, s.get("/admin").body, ">crashing</span>")
	view.Wanted, view.Observed.State = app.WantedStopped, app.Stopped
	s.apps.put(view)
	mustContain(t, s.get("/admin").body, ">stopped</span>")
}
