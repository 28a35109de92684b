//go:build integration

package traefik

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

// echoPages answers with what the handler of pages would be told.
func echoPages(t *testing.T) (address string) {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %q %s", r.Method, r.Header.Values(PageHeader), r.RequestURI)
	}))
}

func forgedPage(r *http.Request) { r.Header.Set(PageHeader, PageUnknown) }

func TestPagesProxy_PathWithoutItsSlashIsAskedOfThePagesAsItStands(t *testing.T) {
	p := startProxy(t)
	app := target(t, "app", backend(t, "app"), "/app", "shop.example.com", "shop.example.com/api")
	app.Access.MaxBodyBytes = 1 << 20
	p.publishTable(Table{Targets: []Target{app}, Pages: echoPages(t), Unknown: true})
	for path, want := range map[string]string{
		"/app":                     `GET ["slash"] /app`,
		"/app?":                    `GET ["slash"] /app?`,
		"/app?a=%41&b=x+y&&c==?":   `GET ["slash"] /app?a=%41&b=x+y&&c==?`,
		"/app?to=//evil.example/x": `GET ["slash"] /app?to=//evil.example/x`,
		"/app?a=1;b=%3b%3B&c":      `GET ["slash"] /app?a=1%3Bb=%3b%3B&c`,
	} {
		if got := send(t, http.MethodGet, path, nil, forgedPage); got.body != want {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}
	if got := send(t, http.MethodHead, "/app", nil, nil); got.status != http.StatusTeapot {
		t.Errorf("HEAD: %d", got.status)
	}
	atHost := func(r *http.Request) { r.Host = "shop.example.com" }
	if got := send(t, http.MethodGet, "/api", nil, atHost); got.body != `GET ["slash"] /api` {
		t.Errorf("path of a host: %d %s", got.status, got.body)
	}
	for name, got := range map[string]answer{
		"with its slash": send(t, http.MethodGet, "/app/", nil, nil),
		"below":          send(t, http.MethodGet, "/app/x", nil, nil),
		"POST":           send(t, http.MethodPost, "/app", strings.NewReader("x"), nil),
		"DELETE":         send(t, http.MethodDelete, "/app", nil, nil),
		"root of a host": send(t, http.MethodGet, "/", nil, atHost),
		"web socket": send(t, http.MethodGet, "/app", nil, func(r *http.Request) {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "WebSocket")
		}),
	} {
		if got.status != http.StatusOK {
			t.Errorf("%s does not reach the app: %d %s", name, got.status, got.body)
		}
	}
	app.Access.NoSlashRedirect = true
	p.publishTable(Table{Targets: []Target{app}, Pages: echoPages(t), Unknown: true})
	if got := send(t, http.MethodGet, "/app", nil, nil); got.status != http.StatusOK {
		t.Errorf("turned off: %d %s", got.status, got.body)
	}
}

func TestPagesProxy_NoPageIsAWayPastAProtection(t *testing.T) {
	p := startProxy(t)
	pages := echoPages(t)
	for name, change := range map[string]func(*Target){
		"slash":       func(*Target) {},
		"unavailable": func(app *Target) { app.Unavailable = true },
	} {
		locked := target(t, "locked", backend(t, "locked"), "/locked")
		locked.Access.Password, locked.Access.Users = true, []User{testUser(t, "ann")}
		far := target(t, "far", backend(t, "far"), "/far")
		far.Access.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		slow := target(t, "slow", backend(t, "slow"), "/slow")
		slow.Access.Rate = Rate{Requests: 1, Period: time.Hour, Burst: 1}
		shut := target(t, "shut", backend(t, "shut"), "/shut")
		shut.Access.Password = true
		table := Table{Pages: pages, Unknown: true}
		for _, app := range []Target{locked, far, slow, shut} {
			change(&app)
			table.Targets = append(table.Targets, app)
		}
		p.publishTable(table)
		send(t, http.MethodGet, "/slow", nil, nil)
		for path, want := range map[string]int{"/locked": 401, "/far": 403, "/slow": 429, "/shut": http.StatusTeapot} {
			got := send(t, http.MethodGet, path, nil, forgedPage)
			if got.status != want || want == http.StatusTeapot && !strings.HasPrefix(got.body, `GET ["unknown"]`) {
				t.Errorf("%s: %s answers %d %s, want %d", name, path, got.status, got.body, want)
			}
		}
		if got := send(t, http.MethodGet, "/locked", nil, asAnn); got.status != http.StatusTeapot || !strings.Contains(got.body, `["`+name+`"]`) {
			t.Errorf("%s: ann is answered %d %s", name, got.status, got.body)
		}
	}
}

func TestPagesProxy_UnknownIsAnsweredOnBothEntryPointsAndBelowEveryRoute(t *testing.T) {
	p := startProxy(t)
	root := target(t, "root", backend(t, "root"), "root.example.com")
	never := Target{App: "never", Routes: []Route{mustParseRoute(t, "/never")}, Unavailable: true}
	table := Table{Targets: []Target{root, never}, Home: mustParseRoute(t, "/never"), Pages: echoPages(t), Unknown: true}
	p.publishTable(table)
	for path, want := range map[string]string{
		"/nothing/here?x=y": `GET ["unknown"] /nothing/here?x=y`, "/never/x": `GET ["unavailable"] /never/x`, "/never": `GET ["unavailable"] /never`,
	} {
		if got := send(t, http.MethodGet, path, nil, func(r *http.Request) { r.Header.Set(PageHeader, PageSlash) }); got.body != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := send(t, http.MethodGet, "/", nil, nil); got.status != http.StatusFound {
		t.Errorf("the way home: %d %s", got.status, got.body)
	}
	if got := get(t, WebPort, "root.example.com", "/any"); got.status != http.StatusOK {
		t.Errorf("a host: %d %s", got.status, got.body)
	}
	client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	response, err := client.Get("https://" + net.JoinHostPort(testAddress, "8443") + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != `GET ["unknown"] /nothing` {
		t.Errorf("websecure: %d %s", response.StatusCode, body)
	}
	// Without the handler the proxy itself answers, and apps as before.
	table.Pages = net.JoinHostPort(testGateway, "1")
	p.publishTable(table)
	if got := get(t, WebPort, "", "/nothing"); got.status != http.StatusBadGateway {
		t.Errorf("without the handler: %d %s", got.status, got.body)
	}
	if got := get(t, WebPort, "root.example.com", "/any"); got.status != http.StatusOK {
		t.Errorf("a host without the handler: %d %s", got.status, got.body)
	}
}

// TestPagesProxy_SemicolonIsOneValueWithAndWithoutTheRedirect: the app is asked for the
// same as if there were no redirect, and a semicolon makes no parameter.
func TestPagesProxy_SemicolonIsOneValueWithAndWithoutTheRedirect(t *testing.T) {
	p := startProxy(t)
	echo := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }))
	redirect := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Path+"/?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusPermanentRedirect)
	}))
	p.publishTable(Table{Targets: []Target{target(t, "app", echo, "/app")}, Pages: redirect, Unknown: true})
	client := &http.Client{Timeout: patience.Of(10 * time.Second)}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/app?a=1;b=2", "/app/?a=1;b=2"} {
		response, err := client.Get("http://" + net.JoinHostPort(testAddress, strconv.Itoa(WebPort)) + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if got := string(body); err != nil || got != "/?a=1%3Bb=2" {
			t.Errorf("%s: the app is asked for %s, %v", path, got, err)
		}
	}
}
