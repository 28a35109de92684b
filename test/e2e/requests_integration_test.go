//go:build integration

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

// zipOf is an archive of these files.
func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var made bytes.Buffer
	archive := zip.NewWriter(&made)
	for name, content := range files {
		file, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return made.Bytes()
}

func TestRequests_AStaticSiteAnswersUnderEveryNameOfItsFiles(t *testing.T) {
	o := newOperator(t)
	site := zipOf(t, map[string]string{
		"index.html": "<title>x</title><a href='100%25%20sure.html'>sure</a>", "100% sure.html": "sure", "C# notes.html": "sharp",
		"what?.html": "what", "a;b.html": "semicolon", "ä+ö.html": "umlauts",
	})
	if status, body := o.send("names", "/names", "site.zip", site); status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("names") })
	if release := o.wait("names"); release.State != "live" {
		t.Fatalf("%+v", release)
	}
	o.deploy("other", "", "v1")
	for path, want := range map[string]string{
		"/names/100%25%20sure.html": "sure", "/names/C%23%20notes.html": "sharp", "/names/what%3F.html": "what", "/names/a%3Bb.html": "semicolon",
		"/names/%C3%A4+%C3%B6.html": "umlauts", "/names/%C3%A4%2B%C3%B6.html": "umlauts",
	} {
		if status, body := visitAs(t, path, "", ""); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/names/a%2Fb", "/other/100%25", "/nothing/%3F"} {
		if status, body := visitAs(t, path, "", ""); status != http.StatusBadRequest || !strings.Contains(body, "encoded character") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestRequests_AnAppThatWantsHTTPSDoesNotLoopBehindATrustedProxy(t *testing.T) {
	o := newOperator(t)
	o.deploy("forced", "https-only", "v1")
	ask := func(header ...string) (status int, body string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Apps+"/forced/secure", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			request.Header.Add(name, value)
		}
		client := &http.Client{
			Timeout:       patience.Of(10 * time.Second),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		defer client.CloseIdleConnections()
		response, err := client.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	said := []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Real-Ip: 6.6.6.6", "Api_Key: 6.6.6.6"}
	if status, _ := ask(said...); status != http.StatusMovedPermanently {
		t.Errorf("a header of anybody is believed: %d", status)
	}
	p := person{t, signInAs(t, resetPassword(t), "e2e proxies in front")}
	trust := func(list string) {
		t.Helper()
		p.send("/settings/proxy", "/settings/proxy", url.Values{
			"authority": {"none"}, "challenge": {"http"}, "dashboard": {"local"}, "trusted_proxies": {list},
		})
	}
	// Who connects from this machine is its address on the stack's network.
	trust(place.Gateway)
	t.Cleanup(func() { trust("") })
	eventually(t, time.Minute, "trust in this machine", func() bool {
		status, body := ask(said...)
		return status == http.StatusOK && strings.Contains(body, "X-Forwarded-For: 203.0.113.9\r\n") &&
			strings.Contains(body, "X-Forwarded-Proto: https\r\n") && !strings.Contains(body, "6.6.6.6")
	})
	if status, _ := ask(); status != http.StatusMovedPermanently {
		t.Errorf("a visitor of the proxy without TLS: %d", status)
	}
	var shown struct{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code, err := berth.Send(ctx, o.token, http.MethodPatch, "/api/v1/apps/forced/access", `{"rules": {"allow": ["203.0.113.9"]}}`, &shown); err != nil || code != http.StatusOK {
		t.Fatalf("%d, %v", code, err)
	}
	if status, _ := ask(said...); status != http.StatusOK {
		t.Errorf("the admitted client: %d", status)
	}
	if status, body := ask("X-Forwarded-For: 203.0.113.9, 203.0.113.8", "X-Forwarded-Proto: https"); status != http.StatusForbidden || !strings.Contains(body, "internet addresses") {
		t.Errorf("another client: %d %s", status, body)
	}
}
