package controller_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

func (h *house) route(text string) traefik.Route {
	h.t.Helper()
	route, err := h.ParseRoute(text)
	if err != nil {
		h.t.Fatal(err)
	}
	return route
}

// rules are the rules that the proxy was told for an entry point, with the service
// of each.
func (p *proxy) rules() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := make(map[string]string)
	if p.published == nil || p.published.HTTP == nil {
		return found
	}
	for _, router := range p.published.HTTP.Routers {
		if slices.Contains(router.EntryPoints, traefik.EntryPointWeb) {
			found[router.Rule] = router.Service
		}
	}
	return found
}

func TestRoutes_AreLiveAtOnceWithoutARelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	live, err := h.UpdateRoutes(t.Context(), "hello", app.RouteChange{Add: []traefik.Route{h.route("app.example.com"), h.route("example.com/api")}})
	if err != nil || !live {
		t.Fatalf("live %v, %v", live, err)
	}
	rules := h.proxy.rules()
	if rules["Host(`app.example.com`)"] != "hello-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	if _, err := h.UpdateRoutes(t.Context(), "hello", app.RouteChange{Remove: []traefik.Route{h.route("app.example.com")}}); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Host(`app.example.com`)"] != "" {
		t.Errorf("the proxy has %v", rules)
	}
	releases, err := h.Releases(t.Context(), "hello")
	if err != nil || len(releases) != 1 {
		t.Errorf("%d releases, %v", len(releases), err)
	}
	h.update("hello") // and a release keeps them
	if rules := h.proxy.rules(); !strings.HasPrefix(rules["Host(`example.com`) && (Path(`/api`) || PathPrefix(`/api/`))"], "hello-r2") {
		t.Errorf("the proxy has %v", rules)
	}
}

func TestRoutes_AreNotSaidToBeLiveBeforeTheProxyConfirms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.proxy.silent.set(errors.New("the proxy is silent"))
	live, err := h.UpdateRoutes(t.Context(), "hello", app.RouteChange{Add: []traefik.Route{h.route("/more")}})
	if err != nil || live {
		t.Fatalf("live %v, %v", live, err)
	}
	state := func() controller.RouteState {
		views, err := h.Routes(t.Context(), "hello")
		if err != nil || len(views) != 2 {
			t.Fatalf("%+v, %v", views, err)
		}
		return views[1].State
	}
	if state() != controller.RouteWaiting {
		t.Errorf("the route is %s", state())
	}
	h.proxy.silent.set(nil)
	h.eventually("the reconciler to confirm it", func() bool { return state() == controller.RouteLive })
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if state() != controller.RouteOff {
		t.Errorf("the route of a stopped app is %s", state())
	}
}

func TestRoutes_TakeOverIsOnePublication(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("blue")
	h.deploy("green")
	shop := h.route("shop.example.com")
	if _, err := h.UpdateRoutes(t.Context(), "blue", app.RouteChange{Add: []traefik.Route{shop}}); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateRoutes(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}})
	if problem := wantConflict(t, err); !strings.Contains(problem.Message, "The app blue answers at shop.example.com") {
		t.Errorf("%+v", problem)
	}
	if _, err := h.UpdateRoutes(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}, TakeOver: true}); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Host(`shop.example.com`)"] != "green-r1" {
		t.Errorf("the proxy has %v", rules)
	}
}

func TestRoutes_AnAppThatDoesNotRunTakesNothingThatAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("blue")
	h.deploy("green")
	shop := h.route("shop.example.com")
	if _, err := h.UpdateRoutes(t.Context(), "blue", app.RouteChange{Add: []traefik.Route{shop}}); err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(t.Context(), "green"); err != nil {
		t.Fatal(err)
	}
	_, err := h.UpdateRoutes(t.Context(), "green", app.RouteChange{Add: []traefik.Route{shop}, TakeOver: true})
	wantConflict(t, err)
	if rules := h.proxy.rules(); rules["Host(`shop.example.com`)"] != "blue-r1" {
		t.Errorf("the proxy has %v", rules)
	}
}

func wantConflict(t *testing.T, err error) *problem.Problem {
	t.Helper()
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != problem.KindConflict || fault.Hint == "" {
		t.Fatalf("want a conflict, got %v", err)
	}
	return fault
}

func TestBaseDomain_GivesEachAppAHostByItsName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.base = "apps.example.com"
	h.stop()
	h.open()
	h.deploy("hello")
	rules := h.proxy.rules()
	if rules["Host(`hello.apps.example.com`)"] != "hello-r1" || rules["Path(`/hello`) || PathPrefix(`/hello/`)"] != "hello-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	views, err := h.Routes(t.Context(), "hello")
	if err != nil || len(views) != 2 || !views[1].Derived || views[1].State != controller.RouteLive {
		t.Errorf("%+v, %v", views, err)
	}
	_, err = h.accept("thief", "hello.apps.example.com/x")
	wantConflict(t, err)
	_, err = h.accept("early", "later.apps.example.com") // nobody is called so yet
	wantConflict(t, err)
	hosts, err := h.Hosts(t.Context())
	if err != nil || !slices.Equal(hosts, []traefik.Host{"hello.apps.example.com"}) {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	err = h.CreateRedirect(t.Context(), traefik.Redirect{From: "hello.apps.example.com", To: "example.com"})
	wantConflict(t, err)
}

func TestBaseDomain_GivesWayToWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.deploy("other")
	if _, err := h.UpdateRoutes(t.Context(), "other", app.RouteChange{Add: []traefik.Route{h.route("hello.apps.example.com")}}); err != nil {
		t.Fatal(err)
	}
	if err := h.CreateRedirect(t.Context(), traefik.Redirect{From: "other.apps.example.com", To: "example.com"}); err != nil {
		t.Fatal(err)
	}
	h.base = "apps.example.com"
	h.stop()
	h.open()
	h.eventually("the table with the base domain", func() bool { return h.proxy.rules()["Host(`hello.apps.example.com`)"] == "other-r1" })
	for _, name := range []app.Name{"hello", "other"} {
		views, err := h.Routes(t.Context(), name)
		if err != nil || slices.ContainsFunc(views, func(v controller.RouteView) bool { return v.Derived }) {
			t.Errorf("%s: %+v, %v", name, views, err)
		}
	}
	h.update("hello") // a collision would stop every publication
}

func TestRedirects_AreRoutersOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	redirect := traefik.Redirect{From: "www.example.com", To: "example.com", Permanent: true}
	if err := h.CreateRedirect(t.Context(), redirect); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Host(`www.example.com`)"] != "noop@internal" {
		t.Errorf("the proxy has %v", rules)
	}
	hosts, err := h.Hosts(t.Context())
	if err != nil || !slices.Equal(hosts, []traefik.Host{"www.example.com"}) {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	_, err = h.accept("late", "www.example.com")
	wantConflict(t, err)
	wantConflict(t, h.CreateRedirect(t.Context(), traefik.Redirect{From: "example.com", To: "www.example.com"}))
	wantConflict(t, h.CreateRedirect(t.Context(), traefik.Redirect{From: "a.example", To: "a.example"}))
	if err := h.DeleteRedirect(t.Context(), "www.example.com"); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Host(`www.example.com`)"] != "" {
		t.Errorf("the proxy has %v", rules)
	}
}

func TestHome_LeadsNowhereOnceItsAppIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	wantConflict(t, h.UpdateHome(t.Context(), "/nobody"))
	if err := h.UpdateHome(t.Context(), "/hello"); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Path(`/`)"] != "noop@internal" {
		t.Errorf("the proxy has %v", rules)
	}
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Path(`/`)"] != "" {
		t.Errorf("the proxy has %v", slices.Collect(maps.Keys(rules)))
	}
	home, err := h.Home(t.Context())
	if err != nil || !home.Missing {
		t.Errorf("%+v, %v", home, err)
	}
}

func TestAccept_ChecksTheHostOfANewApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// Nobody answers where the house looks for DNS, which is a finding too.
	if _, err := h.accept("shop", "shop.example.com"); err != nil {
		t.Fatal(err)
	}
	h.eventually("the check of its host", func() bool {
		views, err := h.Routes(t.Context(), "shop")
		return err == nil && len(views) == 1 && !views[0].Check.At.IsZero() && !views[0].Check.Good()
	})
}
