//go:build integration

package traefik

import (
	"context"
	"crypto/tls"
	"encoding/json"
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

const trustedTestProxy = "198.51.100.7" // stands in front, and reaches the proxy through the gate

// startProxied has a trusted proxy, and an app that shows the headers that it gets.
func startProxied(t *testing.T, table func(app Target) Table) {
	t.Helper()
	p := startProxyWith(t, func(p *proxy) {
		p.options.Gate = netip.MustParseAddr(testGateway)
		p.options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trustedTestProxy + "/32"), netip.MustParsePrefix("192.0.2.0/28")}
	})
	made := table(target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header)
	})), "app.example"))
	made.TrustedProxies = p.options.TrustedProxies
	p.publishTable(made)
}

// through asks the entry point as the gate passes a connection of that client on.
func through(t *testing.T, client string, port int, path string, header ...string) answer {
	t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(testAddress, strconv.Itoa(port)))
		if err == nil {
			_, err = fmt.Fprintf(connection, "PROXY TCP4 %s 203.0.113.1 40000 80\r\n", client)
		}
		return connection, err
	}
	scheme := "http"
	if port == WebsecurePort || port == WebsecureProxiedPort {
		scheme = "https"
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://app.example"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header[name] = append(request.Header[name], value)
	}
	response, err := (&http.Client{
		Timeout:       patience.Of(10 * time.Second),
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}
}

// forgedByClient is what a client sends and a trusted proxy may pass on.
var forgedByClient = []string{
	"X-Forwarded-Host: evil", "X-Forwarded-Port: 666", "X-Forwarded-Prefix: /evil", "X-Real-Ip: 6.6.6.6", "X-Forwarded-Uri: /evil", "Forwarded: for=6.6.6.6",
	"X-Forwarded-Method: EVIL", "X-Forwarded-Tls-Client-Cert: evil", "X-Client-Ip: 6.6.6.6", "Cf-Connecting-Ip: 6.6.6.6", "X-Remote-User: evil", "X_Forwarded_For: 6.6.6.6",
}

func TestProxiedProxy_ClientAndSchemeOfATrustedProxyReachTheApp(t *testing.T) {
	startProxied(t, func(app Target) Table { return Table{Targets: []Target{app}} })
	said := append([]string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"}, forgedByClient...)
	for _, c := range []struct {
		client          string
		port            int
		address, scheme string
	}{
		{trustedTestProxy, WebProxiedPort, "203.0.113.9", "https"},
		{trustedTestProxy, WebsecureProxiedPort, "203.0.113.9", "https"},
		// Others are who they are, on whichever entry point.
		{"203.0.113.66", WebPort, "203.0.113.66", "http"},
		{trustedTestProxy, WebPort, trustedTestProxy, "http"},
		{"203.0.113.66", WebsecurePort, "203.0.113.66", "https"},
		{"203.0.113.66", WebProxiedPort, "", "http"},
	} {
		got := through(t, c.client, c.port, "/", said...)
		var seen http.Header
		if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
			t.Errorf("%s at %d: %d %s", c.client, c.port, got.status, got.body)
			continue
		}
		if seen.Get("X-Forwarded-For") != c.address || seen.Get("X-Forwarded-Proto") != c.scheme {
			t.Errorf("%s at %d: the app sees %q over %q", c.client, c.port, seen.Get("X-Forwarded-For"), seen.Get("X-Forwarded-Proto"))
		}
		if strings.Contains(got.body, "evil") || strings.Contains(got.body, "666") || strings.Contains(got.body, "6.6.6.6") {
			t.Errorf("%s at %d: forged headers reach the app: %s", c.client, c.port, got.body)
		}
	}
}

func TestProxiedProxy_AnAppsOwnRedirectToHTTPSDoesNotLoop(t *testing.T) {
	startProxied(t, func(app Target) Table {
		return Table{
			Targets: []Target{app}, Redirects: []Redirect{{From: "www.example", To: "app.example"}},
			Domains: []Domain{{Host: "app.example", RedirectHTTPS: true, HSTS: time.Hour}},
		}
	})
	https := "X-Forwarded-Proto: https"
	if got := through(t, trustedTestProxy, WebProxiedPort, "/x", https); got.status != http.StatusOK || got.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("over TLS to the trusted proxy: %+v", got)
	}
	if got := through(t, trustedTestProxy, WebProxiedPort, "/x"); got.status/100 != 3 {
		t.Errorf("in the clear to the trusted proxy: %+v", got)
	}
	for _, forger := range []struct {
		client string
		port   int
	}{{"203.0.113.66", WebProxiedPort}, {"203.0.113.66", WebPort}, {trustedTestProxy, WebPort}} {
		if got := through(t, forger.client, forger.port, "/x", https); got.status/100 != 3 {
			t.Errorf("%v is believed: %+v", forger, got)
		}
	}
}

func TestProxiedProxy_RulesFollowTheClientThatTheTrustedProxyNames(t *testing.T) {
	startProxied(t, func(app Target) Table {
		app.Access.Allow = []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}
		return Table{Targets: []Target{app}, Pages: echoPages(t), Unknown: true}
	})
	admitted, refused := "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.8"
	for _, c := range []struct {
		what, client string
		port, status int
		header       []string
	}{
		{"the admitted client", trustedTestProxy, WebProxiedPort, 200, []string{admitted}},
		{"behind two trusted proxies", trustedTestProxy, WebsecureProxiedPort, 200, []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.9, 192.0.2.3"}},
		{"another client", trustedTestProxy, WebProxiedPort, 403, []string{refused}},
		{"another one that forges the first entry", trustedTestProxy, WebProxiedPort, 403, []string{"X-Forwarded-For: 203.0.113.9, 203.0.113.8"}},
		{"in a header of its own", trustedTestProxy, WebProxiedPort, 403, []string{admitted, refused}},
		{"no client at all", trustedTestProxy, WebProxiedPort, 403, nil},
		{"the proxy itself", trustedTestProxy, WebProxiedPort, 403, []string{"X-Forwarded-For: " + trustedTestProxy}},
		{"no address", trustedTestProxy, WebProxiedPort, 403, []string{"X-Forwarded-For: 203.0.113.9x"}},
		{"a stranger at the other entry point", "203.0.113.66", WebProxiedPort, 403, []string{admitted}},
		{"a stranger", "203.0.113.66", WebPort, 403, []string{admitted}},
		{"a direct visitor that is admitted", "203.0.113.9", WebPort, 200, nil},
	} {
		if got := through(t, c.client, c.port, "/", c.header...); got.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, got.status, got.body, c.status)
		}
	}
}

func TestProxiedProxy_RatesAreOfEachClientBehindTheTrustedProxy(t *testing.T) {
	startProxied(t, func(app Target) Table {
		app.Access.Rate = Rate{Requests: 1, Period: time.Hour, Burst: 2}
		return Table{Targets: []Target{app}}
	})
	ask := func(client string) int {
		return through(t, trustedTestProxy, WebProxiedPort, "/", "X-Forwarded-For: "+client).status
	}
	for _, client := range []string{"203.0.113.1", "203.0.113.2"} {
		if first, second, third := ask(client), ask(client), ask(client); first != 200 || second != 200 || third != 429 {
			t.Errorf("%s: %d %d %d", client, first, second, third)
		}
	}
	if got := ask("9.9.9.9, 203.0.113.1"); got != 429 {
		t.Errorf("a forged first entry has a rate of its own: %d", got)
	}
	ask("2001:db8:1:2::1")
	ask("2001:db8:1:2::2")
	if got := ask("2001:db8:1:2::3"); got != 429 {
		t.Errorf("each address of a network has a rate of its own: %d", got)
	}
}

func TestProxiedProxy_AppsDoNotReachItsEntryPoints(t *testing.T) {
	startProxied(t, func(app Target) Table { return Table{Targets: []Target{app}} })
	for _, port := range []int{WebProxiedPort, WebsecureProxiedPort} {
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(otherAddress, strconv.Itoa(port)), patience.Of(time.Second))
		if err == nil {
			_ = connection.Close()
			t.Errorf("port %d answers on the network of an app", port)
		}
	}
}
