package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
)

func TestApp_ShowsItsServicesWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	view := s.anApp("hello")
	if page := s.get("/admin/apps/hello"); strings.Contains(page.body, "services-title") {
		t.Error("an app of one service has a table of services")
	}
	view.Services = []controller.ServiceView{
		{Name: "store", Image: "postgres:17", Copies: 1, KeptFrom: 1, Observed: app.Observed{State: app.Unhealthy, Detail: "<b>It fails."}, Memory: 5 << 20, HasUsage: true},
		{Name: "web", Main: true, Copies: 3},
	}
	s.apps.put(view)
	page := s.get("/admin/apps/hello")
	mustContain(t, page.body, "postgres:17", "runs since r1", "unhealthy", "&lt;b&gt;It fails.", "5.0 MB", "has the route", "3 copies", "not seen yet")
	mustContain(t, s.get("/admin/apps/hello/settings").body, "Volumes stay")
	if answer := s.bearer(deployToken, http.MethodGet, "/api/v1/apps/hello", ""); !strings.Contains(answer.body, `"kept_from":1`) {
		t.Errorf("the API says %s", answer.body)
	}
}
