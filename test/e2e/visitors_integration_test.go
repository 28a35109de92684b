//go:build integration

package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/test/patience"
)

const visitorPassword = "four-Loud.geese-8"

// TestAccess_WalkFromAPasswordToAMaintenancePage is a person's way with who may use
// an app: a user, no user, everybody, and a page in its place.
func TestAccess_WalkFromAPasswordToAMaintenancePage(t *testing.T) {
	o := newOperator(t)
	o.deploy("vault", "", "v1")
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))

	const page = "/admin/apps/vault/access"
	b.press("/admin/apps/vault", "#apps a[href='/admin/apps/vault']", "a[href$='/access']")
	b.press(page, "dl.facts a[href$='/access']", "#access-user")
	b.run("name a user", chromedp.SendKeys("#access-user", "ann"), chromedp.SendKeys("#access-password", visitorPassword))
	b.press(page, "#users form.stack button.main", "#user-ann")
	if status, body := visitAs(t, "/vault", "", ""); status != http.StatusUnauthorized || strings.Contains(body, "testapp") {
		t.Errorf("a stranger: %d %s", status, body)
	}
	if status, body := visitAs(t, "/vault", "ann", visitorPassword); status != http.StatusOK || !strings.Contains(body, "testapp v1") {
		t.Errorf("ann: %d %s", status, body)
	}
	b.shoot("40-access")

	// A release does not open it.
	o.update("vault", "", "v2")
	if status, _ := visitAs(t, "/vault", "", ""); status != http.StatusUnauthorized {
		t.Errorf("a stranger after a release: %d", status)
	}

	b.press(page, "#user-ann button", "#closed-title")
	if status, body := visitAs(t, "/vault", "ann", visitorPassword); status != http.StatusNotFound {
		t.Errorf("closed: %d %s", status, body)
	}
	b.shoot("41-closed")
	b.press("/admin/apps/vault", ".crumbs a[href='/admin/apps/vault']", "#summary")
	b.waitText("#summary", "Add a user, or open it")
	b.press(page, "#summary .notice.bad a", "section.outcome")
	b.press(page, "section.outcome button", "#users .badge.idle")
	if status, body := visitAs(t, "/vault", "", ""); status != http.StatusOK {
		t.Errorf("opened on purpose: %d %s", status, body)
	}

	b.run("write a text", chromedp.SendKeys("#maintenance-text", "Back at 14:00. <b>Really.</b>"))
	b.press(page, "#maintenance button", "#maintenance .badge.warn")
	o.act("vault", "stop")
	docker(t, "pause", berth.Controller())
	status, body := visitAs(t, "/vault/any/page", "", "")
	docker(t, "unpause", berth.Controller())
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "Back at 14:00. &lt;b&gt;Really.&lt;/b&gt;") {
		t.Errorf("maintenance, with app and controller down: %d %s", status, body)
	}
	b.shoot("42-access-in-maintenance")
	b.press(page, "#maintenance button[value='0']", "#maintenance .badge.idle")
	b.press(page, "#maintenance button", "#maintenance .badge.warn")
	b.run("look at the page", navigate(berth.Apps+"/vault"))
	b.waitText("main", "Back at 14:00. <b>Really.</b>")
	b.shoot("43-maintenance")

	var shown struct{ Maintenance struct{ On bool } }
	if code, err := berth.Send(t.Context(), o.token, http.MethodPatch, "/api/v1/apps/vault/access", `{"maintenance": {"on": false}}`, &shown); err != nil || code != http.StatusOK || shown.Maintenance.On {
		t.Errorf("back to the app: %d, %+v, %v", code, shown, err)
	}
	o.act("vault", "start")
	answers(t, 10*time.Second, "/vault", "testapp v2")
}

// visitAs asks the proxy for a path with a name and a password, where there is one.
func visitAs(t *testing.T, path, name, password string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, berth.Apps+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if name != "" {
		request.SetBasicAuth(name, password)
	}
	client := &http.Client{Timeout: patience.Of(10 * time.Second)}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
