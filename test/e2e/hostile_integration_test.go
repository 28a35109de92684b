//go:build integration

package e2e

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/test/stack"
)

// hostile is markup that makes an element of its own, and runs, wherever it is
// not escaped.
const hostile = `"'><img src=x onerror="ran=1">`

// settingsPages are the pages of the settings, by the names of their pictures.
var settingsPages = []struct{ name, path string }{
	{"20-account", "/settings/account"},
	{"21-second-factor", "/settings/second-factor"},
	{"22-sessions", "/settings/sessions"},
	{"23-tokens", "/settings/tokens"},
	{"24-accounts", "/settings/accounts"},
	{"25-rate-limits", "/settings/limits"},
	{"26-audit", "/settings/audit"},
	{"27-machine", "/settings/machine"},
}

// TestBrowser_HostileTextRunsNowhere types markup into every field of every form,
// sends it from where else it can come, and looks at every page afterwards.
func TestBrowser_HostileTextRunsNowhere(t *testing.T) {
	o := newOperator(t)
	archive, err := berth.App("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.send("markup", "/markup", "<img src=x onerror=ran=1>.zip", archive); status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", status, body)
	}
	t.Cleanup(func() { o.remove("markup") })
	o.wait("markup")
	visit(t, "/markup/print?line="+url.QueryEscape(hostile))
	broken, err := stack.Zip(map[string][]byte{"Dockerfile": []byte("FROM scratch\nCOPY <img/src=x/onerror=ran=1> /\n")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := o.send("markup", "", "b.zip", broken); status != http.StatusSeeOther {
		t.Fatalf("update: %d %s", status, body)
	}
	o.wait("markup")
	if _, err := berth.Berth("token", "--ttl", "1h", "--name", hostile); err != nil {
		t.Fatal(err)
	}
	password := resetPassword(t)
	signInAs(t, password, hostile)

	b := newBrowser(t)
	b.open("/login")
	b.signIn(password)
	paths := []string{"/admin", "/upload", "/admin/apps/markup", "/admin/apps/markup/releases/1", "/admin/apps/markup/releases/2", "/admin/apps/markup/output"}
	for _, page := range settingsPages {
		paths = append(paths, page.path)
	}
	for _, path := range paths {
		b.open(path)
		forms := eval[int](b, typedForms+`.length`)
		for i := range forms {
			b.open(path)
			b.submitHostile(i)
			b.mustNotRun(fmt.Sprintf("form %d of %s", i, path))
		}
	}
	for _, path := range append(paths, "/settings/audit?text="+url.QueryEscape(hostile)) {
		b.open(path)
		b.mustNotRun(path)
	}
	b.open("/admin/apps/markup/output")
	b.waitText("body", "onerror") // it is shown, as text
	for _, page := range settingsPages {
		b.open(page.path)
		b.shoot(page.name)
		b.fits(page.path)
	}
}

// typedForms are the forms of the page that take text.
const typedForms = `[...document.forms].filter(f => [...f.elements].some(e => e.name && e.name !== "csrf_token" && /^(text|search|password|number|textarea|url|email|tel|date)$/.test(e.type) && !e.readOnly))`

func (b *browser) submitHostile(form int) {
	b.t.Helper()
	began := eval[float64](b, fmt.Sprintf(`(() => {
		const form = %s[%d];
		for (const e of form.elements)
			if (e.name !== "csrf_token" && /^(text|search|password|number|textarea|url|email|tel|date)$/.test(e.type) && !e.readOnly) { e.type = e.type === "textarea" ? e.type : "text"; e.value = %q; }
		HTMLFormElement.prototype.submit.call(form);
		return performance.timeOrigin;
	})()`, typedForms, form, hostile))
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if strings.Contains(b.text("body"), networkChanged) {
			return
		}
		if eval[bool](b, fmt.Sprintf(`performance.timeOrigin !== %f && document.readyState === "complete"`, began)) {
			return
		}
	}
	b.t.Fatalf("form %d was never answered", form)
}

// mustNotRun fails where the text became an element. That the policy of the page
// would have kept it from running is the second line, not the first.
func (b *browser) mustNotRun(where string) {
	b.t.Helper()
	if eval[bool](b, `typeof ran !== "undefined" || document.querySelector("img[src=x], [onerror]") !== null`) {
		b.t.Errorf("%s: hostile text became markup", where)
	}
}

// resetPassword gives the operator a password of the test's own.
func resetPassword(t *testing.T) string {
	t.Helper()
	printed, err := berth.Berth("passwd")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(printed, "one-time password: ")
	oneTime, _, _ := strings.Cut(after, "\n")
	client := signInAs(t, oneTime, "e2e")
	form := url.Values{"csrf_token": {formToken(t, client, berth.Pages+"/password")}, "old_password": {oneTime}, "new_password": {newPassword}, "repeat_password": {newPassword}}
	response, err := client.PostForm(berth.Pages+"/password", form)
	if err != nil || response.StatusCode != http.StatusSeeOther {
		t.Fatalf("change the password: %v %v", response, err)
	}
	response.Body.Close()
	return newPassword
}

// signInAs signs in with a browser that calls itself so.
func signInAs(t *testing.T, password, agent string) *http.Client {
	t.Helper()
	client := berth.AdminClient()
	client.Transport = agentTransport{client.Transport, agent}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	form := url.Values{"csrf_token": {formToken(t, client, berth.Pages+"/login")}, "password": {password}}
	response, err := client.PostForm(berth.Pages+"/login", form)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: %d", response.StatusCode)
	}
	return client
}

type agentTransport struct {
	http.RoundTripper
	agent string
}

func (a agentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", a.agent)
	return a.RoundTripper.RoundTrip(r)
}
