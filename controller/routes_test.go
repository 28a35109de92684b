package controller_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
	"berth/traefik/traefiktest"
)

func (h *house) route(text string) traefik.Route {
	h.t.Helper()
	route, err := h.Routing().ParseRoute(text)
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
	return traefiktest.Rules(p.published)
}

func TestRoutes_AreLiveAtOnceWithoutARelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	live, err := h.Routing().Update(t.Context(), "hello", app.RouteChange{Add: []traefik.Route{h.route("app.example.com"), h.route("example.com/api")}})
	if err != nil || !live {
		t.Fatalf("live %v, %v", live, err)
	}
	rules := h.proxy.rules()
	if rules["Host(`app.example.com`)"] != "hello-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	if _, err := h.Routing().Update(t.Context(), "hello", app.RouteChange{Remove: []traefik.Route{h.route("app.example.com")}}); err != nil {
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
	live, err := h.Routing().Update(t.Context(), "hello", app.RouteChange{Add: []traefik.Route{h.route("/more")}})
	if err != nil || live {
		t.Fatalf("live %v, %v", live, err)
	}
	state := func() routing.RouteState {
		views, err := h.Routing().List(t.Context(), "hello")
		if err != nil || len(views) != 2 {
			t.Fatalf("%+v, %v", views, err)
		}
		return views[1].State
	}
	if state() != routing.RouteWaiting {
		t.Errorf("the route is %s", state())
	}
	h.proxy.silent.set(nil)
	h.eventually("the reconciler to confirm it", func() bool { return state() == routing.RouteLive })
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if state() != routing.RouteOff {
		t.Errorf("the route of a stopped app is %s", state())
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
	views, err := h.Routing().List(t.Context(), "hello")
	if err != nil || len(views) != 2 || !views[1].Derived || views[1].State != routing.RouteLive {
		t.Errorf("%+v, %v", views, err)
	}
	_, err = h.accept("thief", "hello.apps.example.com/x")
	wantConflict(t, err)
	_, err = h.accept("early", "later.apps.example.com") // nobody is called so yet
	wantConflict(t, err)
	hosts, err := h.Routing().Hosts(t.Context())
	if err != nil || !slices.Equal(hosts, []traefik.Host{"hello.apps.example.com"}) {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	err = h.Routing().CreateRedirect(t.Context(), traefik.Redirect{From: "hello.apps.example.com", To: "example.com"})
	wantConflict(t, err)
}

func TestBaseDomain_GivesWayToWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.deploy("other")
	if _, err := h.Routing().Update(t.Context(), "other", app.RouteChange{Add: []traefik.Route{h.route("hello.apps.example.com")}}); err != nil {
		t.Fatal(err)
	}
	if err := h.Routing().CreateRedirect(t.Context(), traefik.Redirect{From: "other.apps.example.com", To: "example.com"}); err != nil {
		t.Fatal(err)
	}
	h.base = "apps.example.com"
	h.stop()
	h.open()
	h.eventually("the table with the base domain", func() bool { return h.proxy.rules()["Host(`hello.apps.example.com`)"] == "other-r1" })
	for _, name := range []app.Name{"hello", "other"} {
		views, err := h.Routing().List(t.Context(), name)
		if err != nil || slices.ContainsFunc(views, func(v routing.RouteView) bool { return v.Derived }) {
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
	if err := h.Routing().CreateRedirect(t.Context(), redirect); err != nil {
		t.Fatal(err)
	}
	if rules := h.proxy.rules(); rules["Host(`www.example.com`)"] != "noop@internal" {
		t.Errorf("the proxy has %v", rules)
	}
	hosts, err := h.Routing().Hosts(t.Context())
	if err != nil || !slices.Equal(hosts, []traefik.Host{"www.example.com"}) {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	_, err = h.accept("late", "www.example.com")
	wantConflict(t, err)
	wantConflict(t, h.Routing().CreateRedirect(t.Context(), traefik.Redirect{From: "example.com", To: "www.example.com"}))
	wantConflict(t, h.Routing().CreateRedirect(t.Context(), traefik.Redirect{From: "a.example", To: "a.example"}))
	if err := h.Routing().DeleteRedirect(t.Context(), "www.example.com"); err != nil {
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
	wantConflict(t, h.Routing().UpdateHome(t.Context(), "/nobody"))
	if err := h.Routing().UpdateHome(t.Context(), "/hello"); err != nil {
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
	home, err := h.Routing().Home(t.Context())
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
		views, err := h.Routing().List(t.Context(), "shop")
		return err == nil && len(views) == 1 && !views[0].Check.At.IsZero() && !views[0].Check.Good()
	})
}
