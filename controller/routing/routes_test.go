package routing_test

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

func TestRoutes_ReservedRoutesAreRefused(t *testing.T) {
	s := newStreet(t)
	for _, route := range []string{"/admin", "/Admin/x", "/login", "/.well-known/acme-challenge/x", "/healthz"} {
		_, err := s.ParseRoute(route)
		wantProblem(t, err, problem.KindInvalid, "route")
	}
	if _, err := s.ParseRoute("/administrator"); err != nil {
		t.Errorf("/administrator is not /admin: %v", err)
	}
}

func TestRoutes_TakeOverIsOnePublication(t *testing.T) {
	s := newStreet(t)
	s.live("blue")
	s.live("green")
	shop := s.route("shop.example.com")
	if _, err := s.Update(t.Context(), "blue", app.RouteChange{Add: []traefik.Route{shop}}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Update(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}})
	if problem := wantProblem(t, err, problem.KindConflict, "route"); !strings.Contains(problem.Message, "The app blue answers at shop.example.com") {
		t.Errorf("%+v", problem)
	}
	before := s.proxy.publications()
	if _, err := s.Update(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}, TakeOver: true}); err != nil {
		t.Fatal(err)
	}
	if rules := s.proxy.rules(); rules["Host(`shop.example.com`)"] != "green-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	if made := s.proxy.publications() - before; made != 1 {
		t.Errorf("%d publications", made)
	}
}

func TestRoutes_AnAppThatDoesNotRunTakesNothingThatAnswers(t *testing.T) {
	s := newStreet(t)
	s.live("blue")
	s.live("green")
	shop := s.route("shop.example.com")
	if _, err := s.Update(t.Context(), "blue", app.RouteChange{Add: []traefik.Route{shop}}); err != nil {
		t.Fatal(err)
	}
	s.stopped("green")
	_, err := s.Update(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}, TakeOver: true})
	wantProblem(t, err, problem.KindConflict, "route")
	if rules := s.proxy.rules(); rules["Host(`shop.example.com`)"] != "blue-r1" {
		t.Errorf("the proxy has %v", rules)
	}
}

func TestRoutes_AreTriedAgainUntilTheProxyConfirms(t *testing.T) {
	s := newStreet(t)
	s.live("hello")
	s.proxy.change(func() { s.proxy.silent = errors.New("the proxy is silent") })
	live, err := s.Update(t.Context(), "hello", app.RouteChange{Add: []traefik.Route{s.route("/more")}})
	if err != nil || live {
		t.Fatalf("live %v, %v", live, err)
	}
	if told, reconciles := s.notes(); len(told) != 1 || reconciles != 1 {
		t.Errorf("told of %v, asked for %d reconciliations", told, reconciles)
	}
	if err := s.ConfirmPending(t.Context()); !errors.Is(err, routing.ErrProxySilent) {
		t.Errorf("got %v", err)
	}
	s.wantState("hello", routing.RouteWaiting)

	s.proxy.change(func() { s.proxy.silent = nil })
	if err := s.ConfirmPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantState("hello", routing.RouteLive)
	if told, _ := s.notes(); len(told) != 2 {
		t.Errorf("told of %v", told)
	}
}

// wantState looks at every route of the app.
func (s *street) wantState(name app.Name, want routing.RouteState) {
	s.t.Helper()
	views, err := s.List(s.t.Context(), name)
	if err != nil || len(views) == 0 {
		s.t.Fatalf("%+v, %v", views, err)
	}
	for _, view := range views {
		if view.State != want {
			s.t.Errorf("%s is %s, want %s", view.Route, view.State, want)
		}
	}
}

func TestRoutes_OfNoAppAreAProblem(t *testing.T) {
	s := newStreet(t)
	_, err := s.List(t.Context(), "nobody")
	wantProblem(t, err, problem.KindNotFound, "")
	_, err = s.Update(t.Context(), "nobody", app.RouteChange{Add: []traefik.Route{s.route("/more")}})
	wantProblem(t, err, problem.KindNotFound, "")
}
