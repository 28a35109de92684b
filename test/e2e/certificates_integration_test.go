//go:build integration

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/test/authority"
	"berth/test/patience"
	"berth/traefik"
)

// person is somebody who is signed in to the admin app.
type person struct {
	t      *testing.T
	client *http.Client
}

// page reads a page.
func (p person) page(path string) string {
	p.t.Helper()
	response, err := p.client.Get(berth.Pages + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

// send fills the form of a page in; it fails unless it is accepted.
func (p person) send(page, action string, form url.Values) {
	p.t.Helper()
	form.Set("csrf_token", formToken(p.t, p.client, berth.Pages+page))
	response, err := p.client.PostForm(berth.Pages+action, form)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(response.Body)
		p.t.Fatalf("%s: %d %s", action, response.StatusCode, text)
	}
}

// shown is the certificate that the proxy serves for host on its public port.
func shown(t *testing.T, host string) *x509.Certificate {
	t.Helper()
	connection, err := tls.Dial("tcp", strings.TrimPrefix(berth.Secure, "https://"), &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err != nil {
		return nil // the proxy restarts
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0]
}

// ask is a request to the proxy under a host.
func ask(t *testing.T, base, host, path string, change func(*http.Request)) *http.Response {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	if change != nil {
		change(request)
	}
	client := &http.Client{
		Timeout:       patience.Of(10 * time.Second),
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

func TestCertificates_FromTheSettingsPageToAHostThatBrowsersTrust(t *testing.T) {
	o := newOperator(t)
	ca := authority.Start(t, authority.Options{Address: place.Gateway, Target: place.Proxy, HTTP: traefik.WebPort, TLS: traefik.WebsecurePort})
	archive, err := berth.App("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	for name, route := range map[string]string{"tls": "tls.e2e.example", "refused": "blocked.example"} {
		o.send(name, route, "app.zip", archive)
		t.Cleanup(func() { o.remove(name) })
		if release := o.wait(name); release.State != "live" {
			t.Fatalf("%s: %+v", name, release)
		}
	}
	if got := ask(t, berth.Apps, "tls.e2e.example", "/", nil); got.StatusCode != http.StatusOK {
		t.Errorf("without a certificate a plain request is sent on: %d", got.StatusCode)
	}
	p := person{t, signInAs(t, resetPassword(t), "e2e certificates")}
	settings := url.Values{
		"authority": {"other"}, "email": {"me@example.com"}, "directory": {ca.Directory}, "trust": {string(ca.Trust)},
		"challenge": {"http"}, "dashboard": {"local"}, "http3": {"1"},
	}
	p.send("/settings/proxy", "/settings/proxy", settings)
	t.Cleanup(func() {
		p.send("/settings/proxy", "/settings/proxy", url.Values{"authority": {"none"}, "challenge": {"http"}, "dashboard": {"local"}})
	})
	roots := ca.Roots(t)
	eventually(t, 60*time.Second, "a certificate is served", func() bool {
		leaf := shown(t, "tls.e2e.example")
		return leaf != nil && leaf.VerifyHostname("tls.e2e.example") == nil && !traefik.IsFallback(leaf)
	})
	connection, err := tls.Dial("tcp", strings.TrimPrefix(berth.Secure, "https://"), &tls.Config{ServerName: "tls.e2e.example", RootCAs: roots})
	if err != nil {
		t.Errorf("the chain is not good: %v", err)
	} else {
		connection.Close()
	}
	eventually(t, 30*time.Second, "the page shows the certificate", func() bool {
		page := p.page("/settings/certificates/tls.e2e.example")
		return strings.Contains(page, "Pebble Intermediate CA") && strings.Contains(page, `badge good">secure`)
	})
	eventually(t, 30*time.Second, "plain requests are sent on", func() bool {
		got := ask(t, berth.Apps, "tls.e2e.example", "/x", nil)
		return got.StatusCode == http.StatusMovedPermanently && strings.HasPrefix(got.Header.Get("Location"), "https://tls.e2e.example:")
	})
	eventually(t, 60*time.Second, "the refusal is told", func() bool {
		return strings.Contains(p.page("/settings/certificates/blocked.example"), "gives no certificate for this name")
	})
	if !strings.Contains(p.page("/admin"), "blocked.example") {
		t.Error("the dashboard does not warn of the refused host")
	}
	t.Run("the proxy's dashboard", func(t *testing.T) { tryDashboard(t, p, settings) })
	t.Run("an own certificate", func(t *testing.T) { tryOwn(t, p) })
}

// tryDashboard closes it, and opens it on a host of its own.
func tryDashboard(t *testing.T, p person, settings url.Values) {
	if got := ask(t, berth.Dashboard, "localhost", "/dashboard/", nil); got.StatusCode != http.StatusOK {
		t.Errorf("local: %d", got.StatusCode)
	}
	settings.Set("dashboard", "off")
	p.send("/settings/proxy", "/settings/proxy", settings)
	eventually(t, 5*time.Second, "the dashboard is closed", func() bool {
		return ask(t, berth.Dashboard, "localhost", "/dashboard/", nil).StatusCode == http.StatusNotFound
	})
	for _, host := range []string{"localhost", "127.0.0.1", place.Proxy} {
		if got := ask(t, berth.Dashboard, host, "/api/overview", nil); got.StatusCode != http.StatusNotFound {
			t.Errorf("off, as %s: %d", host, got.StatusCode)
		}
	}
	settings.Set("dashboard", "host")
	settings.Set("dashboard_host", "proxy.e2e.example")
	settings.Set("dashboard_user", "me")
	settings.Set("dashboard_password", "A-long-password-7")
	p.send("/settings/proxy", "/settings/proxy", settings)
	with := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("me", password) }
	}
	eventually(t, 20*time.Second, "the dashboard has a host", func() bool {
		return ask(t, berth.Secure, "proxy.e2e.example", "/api/overview", with("A-long-password-7")).StatusCode == http.StatusOK
	})
	for what, got := range map[string]int{
		"nobody":         ask(t, berth.Secure, "proxy.e2e.example", "/api/overview", nil).StatusCode,
		"wrong password": ask(t, berth.Secure, "proxy.e2e.example", "/dashboard/", with("wrong")).StatusCode,
	} {
		if got != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, got)
		}
	}
	if got := ask(t, berth.Apps, "proxy.e2e.example", "/api/overview", with("A-long-password-7")); got.StatusCode != http.StatusMovedPermanently {
		t.Errorf("plain: %d", got.StatusCode)
	}
	if got := ask(t, berth.Secure, "tls.e2e.example", "/api/overview", nil); got.Header.Get("Content-Type") == "application/json" {
		t.Error("the API answers on an app's host")
	}
	settings.Set("dashboard", "local")
	p.send("/settings/proxy", "/settings/proxy", settings)
}

// tryOwn brings a certificate and takes it back.
func tryOwn(t *testing.T, p person) {
	const path = "/settings/certificates/tls.e2e.example"
	chain, key := authority.SelfSigned(t, "tls.e2e.example")
	issued := shown(t, "tls.e2e.example")
	p.send(path, path+"/own", url.Values{"chain": {string(chain)}, "key": {string(key)}})
	eventually(t, 20*time.Second, "the own certificate is served", func() bool {
		leaf := shown(t, "tls.e2e.example")
		return leaf != nil && leaf.Issuer.CommonName == "own of the test"
	})
	for range 20 { // whatever else changes
		if leaf := shown(t, "tls.e2e.example"); leaf == nil || leaf.Issuer.CommonName != "own of the test" {
			t.Fatal("the issued certificate is back")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if page := p.page(path); strings.Contains(page, "PRIVATE KEY") && strings.Contains(page, string(key)) {
		t.Error("the key is shown")
	}
	p.send(path, path+"/own/remove", url.Values{})
	eventually(t, 30*time.Second, "the authority's certificate is back", func() bool {
		leaf := shown(t, "tls.e2e.example")
		return leaf != nil && strings.HasPrefix(leaf.Issuer.CommonName, strings.Fields(issued.Issuer.CommonName)[0])
	})
}
