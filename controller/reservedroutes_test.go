package controller_test

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/routing"
	"berth/traefik"
)

// reserve starts the controller again with hosts of Berth's own.
func (h *house) reserve(hosts ...traefik.Host) {
	h.t.Helper()
	h.stop()
	h.reserved = hosts
	h.open()
}

// answersOn reports whether a rule that was published names the text.
func answersOn(h *house, text string) bool {
	for rule := range h.proxy.rules() {
		if strings.Contains(rule, text) {
			return true
		}
	}
	return false
}

func TestReservedRoutes_AreNotPublishedAndAreToldOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, route := range map[string]string{"only": "own.example.com", "both": "/both"} {
		release, err := h.accept(name, route)
		if err != nil {
			t.Fatal(err)
		}
		h.wait(release.ReleaseID)
	}
	admin := h.route("own.example.com/both")
	if _, err := h.Routing().Update(t.Context(), "both", app.RouteChange{Add: []traefik.Route{admin}}); err != nil {
		t.Fatal(err)
	}
	if !answersOn(h, "own.example.com") {
		t.Fatal("the routes were never published")
	}

	h.reserve("own.example.com")
	h.eventually("the routes to go", func() bool { return !answersOn(h, "own.example.com") })
	if !answersOn(h, "/both") {
		t.Error("the other route went, too")
	}
	reserved, err := h.Routing().ReservedRoutes(t.Context())
	want := []routing.ReservedRoute{{App: "both", Route: admin}, {App: "only", Route: traefik.Route{Host: "own.example.com", Path: "/"}}}
	if err != nil || !slices.Equal(reserved, want) {
		t.Errorf("told of %v, %v", reserved, err)
	}
	view, err := h.App(t.Context(), "only")
	if err != nil || len(view.Reserved) != 1 || len(view.Routes) != 1 {
		t.Errorf("the app shows %v of %v, %v", view.Reserved, view.Routes, err)
	}
	routes, err := h.Routing().List(t.Context(), "only")
	if err != nil || len(routes) != 1 || routes[0].State != routing.RouteReserved {
		t.Errorf("routes %+v, %v", routes, err)
	}
	if release := h.update("only"); release.State != app.ReleaseLive {
		t.Errorf("an update of it is %s: %s", release.State, release.Reason)
	}
	if answersOn(h, "own.example.com") {
		t.Error("an update published the route")
	}

	h.reserve()
	h.eventually("the routes to come back", func() bool { return answersOn(h, "own.example.com") })
}
