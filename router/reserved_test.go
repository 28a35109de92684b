package router

import (
	"strings"
	"testing"

	"berth/traefik"
)

func TestReservedRoute_IsSaidOnTheDashboardAndTheAppsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	lost := traefik.Route{Host: "own.example.com", Path: "/"}
	view.Routes = append(view.Routes, lost)
	view.Reserved = []traefik.Route{lost}
	s.apps.put(view)
	s.signIn()
	for _, path := range []string{"/admin", "/admin/apps/hello"} {
		page := s.get(path).body
		mustContain(t, page, "hello does not answer on own.example.com", "BERTH_ADMIN_HOST", `href="/admin/apps/hello/routes"`)
		if strings.Contains(page, `href="http://own.example.com`) || strings.Contains(page, `href="https://own.example.com`) {
			t.Errorf("%s links to where the app does not answer", path)
		}
	}
}
