//go:build integration

package traefik

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/test/patience"
)

func TestProxy_RedirectsHostsAndLeadsHome(t *testing.T) {
	p := startProxy(t)
	table := Table{
		Targets: []Target{target(t, "shop", backend(t, "shop"), "/shop", "example.com")},
		Redirects: []Redirect{
			{From: "www.example.com", To: "example.com", Permanent: true},
			{From: "old.example", To: "www.example.com"},
		},
		Home:   mustParseRoute(t, "/shop"),
		Beacon: Beacon{Token: "0123456789abcdef", Answer: "fedcba9876543210"},
	}
	p.publishTable(table)
	if err := p.client.ConfirmAll(t.Context(), table); err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	for _, c := range []struct {
		host, path string
		status     int
		location   string
	}{
		{"www.example.com", "/a/b?c=d%2Fe", 301, "http://example.com/a/b?c=d%2Fe"},
		{"WWW.example.com", "/", 301, "http://example.com/"},
		{"www.example.com.", "/", 301, "http://example.com/"},
		{"www.example.com:8000", "/a", 301, "http://example.com:8000/a"},
		{"www.example.com", "//evil.example/", 301, "http://example.com/evil.example/"},
		{"old.example", "/a", 302, "http://www.example.com/a"},
		{"nobody.example", "/", 302, "/shop/"},
		{"nobody.example", "/?a=b", 302, "/shop/?a=b"},
		{"nobody.example", "//", 302, "/shop/"},
		{"nobody.example", "/other", 404, ""},
		{"example.com", "/", 200, ""},
	} {
		got := get(t, WebPort, c.host, c.path)
		if got.status != c.status || got.header.Get("Location") != c.location {
			t.Errorf("%s%s: %d to %q, want %d to %q", c.host, c.path, got.status, got.header.Get("Location"), c.status, c.location)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://%s:%d/form", testAddress, WebPort), strings.NewReader("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "www.example.com"
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("a form is redirected with %d", response.StatusCode)
	}
	secure := &http.Client{
		Timeout: patience.Of(5 * time.Second), CheckRedirect: direct.CheckRedirect,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.com"}},
	}
	request, err = http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://%s:%d/a", testAddress, WebsecurePort), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "www.example.com"
	if response, err = secure.Do(request); err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusMovedPermanently || got != "https://example.com/a" {
		t.Errorf("over https: %d to %q", response.StatusCode, got)
	}
	if got := get(t, WebPort, "any.example", BeaconFolder+table.Beacon.Token); got.header.Get(BeaconHeader) != table.Beacon.Answer {
		t.Errorf("the beacon says %+v", got)
	}
	if got := get(t, WebPort, "any.example", BeaconFolder+"0123456789abcdee"); got.header.Get(BeaconHeader) != "" {
		t.Errorf("the beacon answers to another token: %+v", got)
	}
	for line := range strings.Lines(p.log()) {
		if strings.Contains(line, `"level":"error"`) || strings.Contains(line, `"level":"warn"`) && !strings.Contains(line, "encoded characters") {
			t.Errorf("complaint: %s", line)
		}
	}
	table.Redirects, table.Home = table.Redirects[:1], Route{}
	p.publishTable(table)
	if err := p.client.ConfirmAll(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	if got := get(t, WebPort, "old.example", "/"); got.status != http.StatusNotFound {
		t.Errorf("a redirect that was removed: %+v", got)
	}
}

// TestProxy_TakeOverUnderLoadLosesNoRequest moves a route back and forth between two
// apps while others ask for it.
func TestProxy_TakeOverUnderLoadLosesNoRequest(t *testing.T) {
	p := startProxy(t)
	blue, green := backend(t, "blue"), backend(t, "green")
	tables := []Table{
		{Targets: []Target{target(t, "blue", blue, "/blue", "shop.example.com"), target(t, "green", green, "/green")}},
		{Targets: []Target{target(t, "blue", blue, "/blue"), target(t, "green", green, "/green", "shop.example.com")}},
	}
	names := []string{"blue", "green"}
	p.publishTable(tables[0])
	if err := p.client.ConfirmRoutes(t.Context(), tables[0]); err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	ctx, stop := context.WithCancel(t.Context())
	var asked, byBlue, byGreen atomic.Int64
	var group sync.WaitGroup
	client := &http.Client{Timeout: patience.Of(5 * time.Second), Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil && asked.Load() < 50_000 {
				asked.Add(1)
				switch body, status := ask(t, client); {
				case status == http.StatusOK && strings.HasPrefix(body, "blue "):
					byBlue.Add(1)
				case status == http.StatusOK && strings.HasPrefix(body, "green "):
					byGreen.Add(1)
				default:
					t.Errorf("a request failed: %d %q", status, body)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	var slowest time.Duration
	for round := range 20 {
		next := (round + 1) % 2
		began := time.Now()
		p.publishTable(tables[next])
		if err := p.client.ConfirmRoutes(t.Context(), tables[next]); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
		if body, _ := ask(t, client); !strings.HasPrefix(body, names[next]+" ") {
			t.Errorf("confirmed for %s, answered by %q", names[next], body)
		}
	}
	stop()
	group.Wait()
	t.Logf("%d requests: %d by blue, %d by green; the slowest change took %v", asked.Load(), byBlue.Load(), byGreen.Load(), slowest)
	if slowest > time.Second {
		t.Errorf("a change took %v", slowest)
	}
}

func ask(t *testing.T, client *http.Client) (body string, status int) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://%s:%d/", testAddress, WebPort), http.NoBody)
	if err != nil {
		return err.Error(), 0
	}
	request.Host = "shop.example.com"
	response, err := client.Do(request)
	if err != nil {
		return err.Error(), 0
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error(), 0
	}
	return string(text), response.StatusCode
}
