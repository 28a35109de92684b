//go:build integration

package traefik

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// echoTarget answers with what the app was asked for.
func echoTarget(t *testing.T, app string, choice EncodedPaths, routes ...string) Target {
	t.Helper()
	made := target(t, app, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, app+" "+r.RequestURI) })), routes...)
	made.Access.EncodedPaths = choice
	return made
}

func TestEncodedProxy_CharactersReachTheAppThatTakesThemAsTheyWereSent(t *testing.T) {
	p := startProxy(t)
	site := echoTarget(t, "site", EncodedAuto, "/site", "site.example")
	site.Site = true
	p.publishTable(Table{
		Targets: []Target{
			site, echoTarget(t, "none", EncodedAuto, "/none"), echoTarget(t, "slash", EncodedSlash, "/slash", "/site/slash"),
			echoTarget(t, "strict", EncodedNone, "/slash/strict"), echoTarget(t, "root", EncodedNone, "/"),
		},
		Redirects: []Redirect{{From: "www.site.example", To: "site.example"}}, Pages: echoPages(t), Unknown: true,
	})
	refused := `GET ["encoded"] `
	for path, want := range map[string]string{
		// No reserved character: for everybody, under the name that was sent.
		"/none/a%20b+c": "none /a%20b+c", "/none/%C3%A4": "none /%C3%A4", "/none/%2B%3D%40%3A%26": "none /%2B%3D%40%3A%26", "/site/%C3%A4": "site /%C3%A4",
		// Names of files.
		"/site/100%25%20sure.html": "site /100%25%20sure.html", "/site/C%23%20notes.html": "site /C%23%20notes.html",
		"/site/what%3F.html": "site /what%3F.html", "/site/a%3Bb%3bc": "site /a%3Bb%3Bc", "/site/%252e%252e/x": "site /%252e%252e/x",
		"/slash/%25%23%3F%3B": "slash /%25%23%3F%3B", "/slash/group%2Fproject%2f": "slash /group%2Fproject%2F",
		"/site/slash/a%2Fb%25": "slash /a%2Fb%25",
		// What the app does not take, and what no app has.
		"/site/a%2Fb": refused + "/site/a%2Fb", "/none/%25": refused + "/none/%25", "/slash/strict/%3F": refused + "/slash/strict/%3F",
		"/slash/strict/a%2F": refused + "/slash/strict/a%2F", "/%2Fx": refused + "/%2Fx", "/site%2Fx": refused + "/site%2Fx",
		"/slash%2Fstrict": refused + "/slash%2Fstrict",
		// A path is the app's that its decoded letters name.
		"/%73lash/strict/x": "strict /x",
	} {
		if got := send(t, http.MethodGet, path, nil, nil); got.body != want {
			t.Errorf("%s: %d %q, want %q", path, got.status, got.body, want)
		}
	}
	// Never, for anybody.
	for _, path := range []string{"/slash/a%5Cb", "/slash/%00", "/site/%5c", "/slash/a%5C..%2Fstrict"} {
		if got := send(t, http.MethodGet, path, nil, nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
	got := get(t, WebPort, "www.site.example", "/100%25%2Fx?y=%25")
	if location := got.header.Get("Location"); location != "http://site.example/100%25%2Fx?y=%25" {
		t.Errorf("a redirect leads to %q, %d", location, got.status)
	}
	if got := get(t, WebPort, "site.example", "/a%3Fb%2525"); got.body != "site /a%3Fb%2525" {
		t.Errorf("on a host: %+v", got)
	}
}

func TestEncodedProxy_RefusesWithoutAHandlerOfPages(t *testing.T) {
	p := startProxy(t)
	app := echoTarget(t, "app", EncodedAuto, "/app")
	p.publish(app)
	p.confirmAll(app)
	for _, path := range []string{"/app/%25", "/app/%2F", "/app/%23", "/app/%3B", "/app/%3F"} {
		if got := send(t, http.MethodGet, path, nil, nil); got.status != http.StatusBadRequest || strings.HasPrefix(got.body, "app") {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestEncodedProxy_ARefusedAddressGetsThePageAndAnAppsOwnAnswerStays(t *testing.T) {
	p := startProxy(t)
	far := target(t, "far", backend(t, "far"), "/far")
	far.Access.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	near := target(t, "near", serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the app says no", http.StatusForbidden)
	})), "/near")
	near.Access.Allow = []netip.Prefix{netip.MustParsePrefix(testGateway + "/32")}
	p.publishTable(Table{Targets: []Target{far, near}, Pages: echoPages(t), Unknown: true})
	got := send(t, http.MethodPost, "/far/x?y", strings.NewReader("body"), func(r *http.Request) { r.Header.Set("Cookie", "secret") })
	if got.status != http.StatusForbidden || got.body != `GET [] `+ForbiddenPath {
		t.Errorf("a refused address: %d %q", got.status, got.body)
	}
	if got := send(t, http.MethodGet, "/near/x", nil, nil); got.status != http.StatusForbidden || !strings.HasPrefix(got.body, "the app says no") {
		t.Errorf("an app's own answer: %d %q", got.status, got.body)
	}
	p.publishTable(Table{Targets: []Target{far, near}, Pages: testGateway + ":1", Unknown: true})
	if got := send(t, http.MethodGet, "/far/x", nil, nil); got.status != http.StatusForbidden {
		t.Errorf("without the handler: %d %q", got.status, got.body)
	}
}
