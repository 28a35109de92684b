//go:build integration

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestBrowser_SessionReachesNoAppUnderAnyName signs a real browser in, and opens an app that prints the headers it is
// sent under every name that leads here: cookies know no ports, so names are what keeps the session apart.
func TestBrowser_SessionReachesNoAppUnderAnyName(t *testing.T) {
	newOperator(t).deploy("mirror", "", "v1")
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))
	for _, base := range []string{berth.Apps, berth.Secure} {
		for _, host := range []string{"127.0.0.1", "localhost", "mirror.localhost", "berth.localhost"} {
			address := under(t, base, host) + "/mirror/headers"
			text := b.visit(address)
			if strings.Contains(strings.ToLower(text), "__host-berth") {
				t.Errorf("%s was sent the session:\n%s", address, text)
			}
			if seen := strings.Contains(text, "User-Agent:"); seen == (host == "berth.localhost") {
				t.Errorf("%s: the app answered: %t\n%.300s", address, seen, text)
			}
		}
	}
	b.open("/admin") // still signed in
	if !b.sees("#apps") {
		t.Error("the session is gone")
	}
}

// TestBrowser_IsSentToTheAdminHostBeforeItSignsIn opens the admin app under the names that it shares with apps.
func TestBrowser_IsSentToTheAdminHostBeforeItSignsIn(t *testing.T) {
	client := berth.AdminClient()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		response, err := client.Get(under(t, berth.Admin, host) + "/login")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if to := response.Header.Get("Location"); response.StatusCode != http.StatusTemporaryRedirect || to != berth.Pages+"/login" {
			t.Errorf("%s: %d to %q, want 307 to %s/login", host, response.StatusCode, to, berth.Pages)
		}
		if cookies := response.Cookies(); len(cookies) > 0 {
			t.Errorf("%s sets %v", host, cookies)
		}
	}
}

// under is the same address under another name of this machine.
func under(t *testing.T, base, host string) string {
	t.Helper()
	address, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	address.Host = host + ":" + address.Port()
	return address.String()
}

// visit opens any address, and returns the text of what it shows.
func (b *browser) visit(address string) string {
	b.t.Helper()
	b.run("visit "+address, navigate(address))
	return b.text("body")
}
