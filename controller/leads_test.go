package controller_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/traefik"
)

const shopFile = `
services:
  web:
    build: ./web
    ports: ["80:3000"]
  api:
    build: ./store
    expose: ["9000"]
    x-berth: {route: /api}
  worker:
    build: ./web
`

// deployShop makes an app whose file asks for a route of its service api.
func (h *house) deployShop() app.Release {
	h.t.Helper()
	release, err := h.Accept(h.t.Context(), controller.Upload{Name: "shop", Route: h.route("/shop"), Archive: h.guestbook("compose.yaml", shopFile), By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.live(release)
}

func (h *house) updateShop(file string) (app.Release, error) {
	return h.Accept(h.t.Context(), controller.Upload{Name: "shop", Next: true, Archive: h.guestbook("compose.yaml", file), By: "test"})
}

func (h *house) led(name app.Name) map[traefik.Route]app.Destination {
	h.t.Helper()
	views, err := h.Routing().List(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	led := make(map[traefik.Route]app.Destination)
	for _, view := range views {
		if view.To != (app.Destination{}) {
			led[view.Route] = view.To
		}
	}
	return led
}

func TestLeads_FirstReleaseBringsTheRoutesOfItsFile(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	if want := map[traefik.Route]app.Destination{h.route("/api"): {Service: "api"}}; !maps.Equal(h.led("shop"), want) {
		t.Fatalf("it has %v", h.led("shop"))
	}
	want := []string{"http://" + aliasOf(1) + ":9000", "http://berth-shop-r1:3000"}
	if got := h.proxy.servers(); !slices.Equal(got, want) {
		t.Errorf("the proxy has %v", got)
	}
	if aliases := h.engine.options.at("berth-shop-r1.api").Aliases; !slices.Contains(aliases, aliasOf(1)) {
		t.Errorf("api has the names %v", aliases)
	}

	// The next one changes no route, and says so.
	release, err := h.updateShop(strings.Replace(shopFile, "/api", "/v2", 1))
	if err != nil {
		t.Fatal(err)
	}
	if log := h.log(h.live(release)); !strings.Contains(log, "/v2 leads to api") {
		t.Errorf("nothing is said of the new wish:\n%s", log)
	}
	if got := h.proxy.servers(); !slices.Equal(got, []string{"http://" + aliasOf(2) + ":9000", "http://berth-shop-r2:3000"}) {
		t.Errorf("then the proxy has %v", got)
	}
}

func TestLeads_APersonsRoutesReplaceThoseOfTheFile(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	wish := controller.Upload{
		Name: "shop", Route: h.route("/shop"), Archive: h.guestbook("compose.yaml", shopFile), By: "test",
		Routes: []plan.RouteWish{{Route: "/v2", Service: "api", Port: 9001}, {Route: "/front", Service: "web"}, {Route: "/work", Service: "worker", Port: 80}},
	}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || !slices.Equal(preview.Routes, wish.Routes) {
		t.Fatalf("preview %+v, %v", preview.Routes, err)
	}
	release, err := h.Accept(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	want := map[traefik.Route]app.Destination{h.route("/v2"): {Service: "api", Port: 9001}, h.route("/work"): {Service: "worker", Port: 80}}
	if got := h.led("shop"); !maps.Equal(got, want) {
		t.Errorf("it has %v", got)
	}
	wish.Name, wish.Route, wish.Archive, wish.Routes = "none", h.route("/none"), h.guestbook("compose.yaml", shopFile), []plan.RouteWish{}
	if release, err = h.Accept(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	if h.live(release); len(h.led("none")) != 0 {
		t.Errorf("without any it has %v", h.led("none"))
	}
}

func TestLeads_APersonGetsNoRouteThatTheyMayNotHave(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	for _, c := range []struct {
		routes []plan.RouteWish
		want   string
	}{
		{[]plan.RouteWish{{Route: "/api", Service: "api"}}, "Another app answers at /api already."},
		{[]plan.RouteWish{{Route: "/x", Service: "none"}}, "There is no such service."},
		{[]plan.RouteWish{{Route: "/admin", Service: "api"}}, "The path /admin is reserved."},
		{[]plan.RouteWish{{Route: "/a", Service: "api"}, {Route: "/a", Service: "web"}}, "The form asks for it for api too"},
		{[]plan.RouteWish{{Route: "r1.shop.berth.internal", Service: "api"}}, "Berth itself"},
	} {
		wish := controller.Upload{Name: "other", Route: h.route("/other"), Archive: h.guestbook("compose.yaml", shopFile), By: "test", Routes: c.routes}
		if _, err := h.Examine(t.Context(), wish); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("preview of %v: got %v", c.routes, err)
		}
		_, err := h.Accept(t.Context(), wish)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v", c.routes, err)
		}
		if apps, _ := h.Apps(t.Context()); len(apps) != 1 {
			t.Fatalf("%v: an app is left", c.routes)
		}
	}
}

func TestLeads_FileGetsNoRouteThatItMayNotHave(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	for wish, want := range map[string]string{
		"{route: /api}":                       "Another app answers at /api already.",
		"{route: /admin}":                     "The path /admin is reserved.",
		"{route: /Admin}":                     "not allowed",
		"{host: \"`x`.example.com\"}":         "part of a rule",
		"{host: 10.0.0.1}":                    "an address",
		"[{route: /a}, {route: /a}]":          "asks for it for api too",
		"{host: r1.shop.berth.internal}":      "Berth itself",
		"{route: \"/a`) || PathPrefix(`/b\"}": "not allowed",
		"{host: \"a.*.example.com\"}":         "wildcard",
	} {
		file := strings.Replace(shopFile, "{route: /api}", wish, 1)
		_, err := h.Accept(t.Context(), controller.Upload{Name: "other", Route: h.route("/other"), Archive: h.guestbook("compose.yaml", file), By: "test"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", wish, err)
		}
		if apps, _ := h.Apps(t.Context()); len(apps) != 1 {
			t.Fatalf("%s: an app is left", wish)
		}
	}
}

func TestLeads_EachServiceIsProvenBeforeTheReleaseIsLive(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	before := h.proxy.servers()
	var asked, ready atomic.Bool
	h.proxy.onTarget.set(func(address string) int {
		if address != aliasOf(2)+":9000" {
			return http.StatusOK
		}
		if asked.Swap(true); ready.Load() {
			return http.StatusOK
		}
		return http.StatusBadGateway
	})
	release, err := h.updateShop(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("api to be asked", asked.Load)
	found, err := h.Release(t.Context(), release.ReleaseID)
	if err != nil || found.State != app.ReleaseVerifying {
		t.Errorf("it is %s, %v", found.State, err)
	}
	for _, server := range before {
		if !slices.Contains(h.proxy.servers(), server) {
			t.Errorf("%s is gone already", server)
		}
	}
	ready.Store(true)
	h.live(release)
}

// A route that is added while a release is on its way is proven with it, or the release is
// not promoted.
func TestLeads_RouteOfTheLastMomentIsProvenToo(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	added := false
	h.proxy.onTarget.set(func(address string) int {
		if address == aliasOf(2)+":9000" && !added { // the probe of the one goroutine that verifies
			added = true
			if _, err := h.Routing().Update(t.Context(), "shop", app.RouteChange{Add: []traefik.Route{h.route("/metrics")}, To: &app.Destination{Service: "api", Port: 9100}}); err != nil {
				t.Error(err)
			}
		}
		return http.StatusOK
	})
	release, err := h.updateShop(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	if ended := h.wait(release.ReleaseID); ended.State != app.ReleaseFailed || !strings.Contains(ended.Reason, "The route /metrics was led to api, port 9100") {
		t.Errorf("it is %s: %s", ended.State, ended.Reason)
	}
}

func TestLeads_RouteThatIsRemovedMeanwhileIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	var asked atomic.Bool
	h.proxy.onTarget.set(func(address string) int {
		if address != aliasOf(2)+":9000" {
			return http.StatusOK
		}
		asked.Store(true)
		return http.StatusBadGateway
	})
	release, err := h.updateShop(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("api to be asked", asked.Load)
	if _, err := h.Routing().Update(t.Context(), "shop", app.RouteChange{Remove: []traefik.Route{h.route("/api")}}); err != nil {
		t.Fatal(err)
	}
	h.live(release)
}

func TestLeads_KeptServiceAnswersUnderTheNameOfTheNextRelease(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.contents.put("api", "api v1")
	file := strings.Replace(shopFile, "    expose:", "    volumes: [\"data:/data\"]\n    expose:", 1) + "volumes: {data: }\n"
	release, err := h.Accept(t.Context(), controller.Upload{Name: "shop", Route: h.route("/shop"), Archive: h.guestbook("compose.yaml", file), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	next, err := h.updateShop(file)
	if err != nil {
		t.Fatal(err)
	}
	if next = h.live(next); len(h.engine.joined.at("berth-shop-r1.api")) == 0 {
		t.Fatalf("api was not kept: %v", next.Instances)
	}
	if names := h.engine.joinedAs.at("berth-shop-r1.api"); !slices.Contains(names, aliasOf(2)) {
		t.Errorf("on the network of the next release it is called %v", names)
	}
}

func TestLeads_NoReleaseLeavesARouteDead(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployShop()
	without := shopFile[:strings.Index(shopFile, "  api:")] + shopFile[strings.Index(shopFile, "  worker:"):]
	_, err := h.updateShop(without)
	if wantProblem(t, err, problem.KindConflict, ""); !strings.Contains(err.Error(), "The route /api leads to the service api.") {
		t.Fatalf("got %v", err)
	}

	// Without that route it is deployed; then the first release, which has the service, and
	// back again: the route belongs to the app.
	if _, err := h.Routing().Update(t.Context(), "shop", app.RouteChange{Remove: []traefik.Route{h.route("/api")}}); err != nil {
		t.Fatal(err)
	}
	release, err := h.updateShop(without)
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	back, err := h.Rollback(t.Context(), "shop", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(back)
	if _, err := h.Routing().Update(t.Context(), "shop", app.RouteChange{Add: []traefik.Route{h.route("/api")}, To: &app.Destination{Service: "api"}}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Rollback(t.Context(), "shop", 2, "test")
	wantProblem(t, err, problem.KindConflict, "")
}

// aliasOf is the name of the service api for the proxy, in a release of the app shop.
func aliasOf(release int) string {
	return app.ServiceAlias(fmt.Sprintf("berth-shop-r%d", release), "api")
}
