package controller_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

const accessPassword = "four-Loud.geese-8"

func (h *house) changeAccess(change app.AccessChange) (traefik.Access, error) {
	h.t.Helper()
	return h.UpdateAccess(h.t.Context(), "hello", change)
}

// routers are the public routers of apps that were published.
func (p *proxy) routers() map[string]*traefik.Router {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.published == nil || p.published.HTTP == nil {
		return nil
	}
	routers := maps.Clone(p.published.HTTP.Routers)
	for _, name := range []string{"beacon", "unknown-web", "unknown-websecure", "refused-web", "refused-websecure"} {
		delete(routers, name) // they are no app's
	}
	return routers
}

func user(name string) app.AccessChange {
	return app.AccessChange{Users: []app.AccessUser{{Name: name, Password: accessPassword}}}
}

func TestAccess_LastUserTakesTheRouteOffRatherThanOpeningIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	if _, err := h.changeAccess(user("ann")); err != nil {
		t.Fatal(err)
	}
	if routers := h.proxy.routers(); len(routers) != 4 || !strings.Contains(strings.Join(routers["hello-0-web"].Middlewares, " "), "hello-auth-x") {
		t.Fatalf("routers %+v", routers)
	}
	access, err := h.changeAccess(app.AccessChange{Remove: []string{"ann"}})
	if err != nil || !access.Closed() {
		t.Fatalf("access %+v, %v", access, err)
	}
	if routers := h.proxy.routers(); len(routers) != 0 {
		t.Errorf("still routed: %v", routers)
	}
	off := false
	if _, err := h.changeAccess(app.AccessChange{Password: &off}); err != nil {
		t.Fatal(err)
	}
	if routers := h.proxy.routers(); len(routers) != 4 {
		t.Errorf("not opened on purpose: %v", routers)
	}
}

func TestAccess_PasswordIsKeptAsItsHashAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	access, err := h.changeAccess(user("ann"))
	if err != nil || len(access.Users) != 1 {
		t.Fatalf("%+v, %v", access, err)
	}
	hash := []byte(access.Users[0].Hash)
	if cost, err := bcrypt.Cost(hash); err != nil || cost != traefik.PasswordCost {
		t.Errorf("cost %d, %v", cost, err)
	}
	if err := bcrypt.CompareHashAndPassword(hash, []byte(accessPassword)); err != nil {
		t.Error(err)
	}
	if text := user("ann").Summary(); strings.Contains(text, accessPassword) {
		t.Errorf("summary %q", text)
	}
}

func TestAccess_RefusesWeakPasswordsAndNamesThatAreNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	for _, c := range []struct{ name, password, field string }{
		{"", accessPassword, "user"},
		{"a:b", accessPassword, "user"},
		{"a,b", accessPassword, "user"},
		{"{{.}}", accessPassword, "user"},
		{"ann", "short", "password"},
		{"ann", "Password1234!", "password"},
		{"ann", strings.Repeat("x", 73), "password"},
		{"ann", "vier-laute-Gänse-8", "password"},
		{"ann", "four-Loud\ngeese-8", "password"},
		{"ann", "", "password"},
	} {
		change := app.AccessChange{Users: []app.AccessUser{{Name: c.name, Password: secret.Text(c.password)}}}
		_, err := h.changeAccess(change)
		if problem, ok := errors.AsType[*problem.Problem](err); !ok || problem.Field != c.field {
			t.Errorf("%q with %q: %v", c.name, c.password, err)
		}
	}
	if _, err := h.changeAccess(app.AccessChange{Remove: []string{"nobody"}}); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("remove a stranger: %v", err)
	}
}

func TestAccess_MaintenanceIsShownWhileTheAppIsStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	page, err := app.ParseMaintenance(true, "Back at noon.\r\nReally.")
	if err != nil || page.Text != "Back at noon.\nReally." {
		t.Fatalf("%+v, %v", page, err)
	}
	if _, err := h.changeAccess(app.AccessChange{Maintenance: &page}); err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if router := h.proxy.routers()["hello-0-web"]; router == nil || router.Service != "pages" || !strings.Contains(strings.Join(router.Middlewares, " "), "hello-page-x") {
		t.Fatalf("router %+v", router)
	}
	page.On = false
	if _, err := h.changeAccess(app.AccessChange{Maintenance: &page}); err != nil {
		t.Fatal(err)
	}
	if routers, servers := h.proxy.routers(), h.proxy.servers(); len(routers) != 2 || routers["hello-0-web"].Service != "pages" || len(servers) != 0 {
		t.Errorf("a stopped app is routed: %v to %v", routers, servers)
	}
	if _, err := app.ParseMaintenance(true, strings.Repeat("ä", 2001)); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("2001 characters: %v", err)
	}
	if _, err := app.ParseMaintenance(true, "a\x00b"); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("a control character: %v", err)
	}
}

func TestAccess_StaysWithTheAppOverReleasesAndRollbacks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	if _, err := h.changeAccess(user("ann")); err != nil {
		t.Fatal(err)
	}
	h.update("hello")
	back, err := h.Rollback(t.Context(), "hello", 1, "ada")
	if err != nil {
		t.Fatal(err)
	}
	if release := h.wait(back.ReleaseID); release.State != app.ReleaseLive {
		t.Fatalf("release %+v", release)
	}
	for name, router := range h.proxy.routers() {
		if !strings.Contains(strings.Join(router.Middlewares, " "), "hello-auth-x") && !strings.Contains(name, "verify") {
			t.Errorf("%s is open: %v", name, router.Middlewares)
		}
	}
}

func TestParseAccessRules_RefusesWhatWouldProtectNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		form  app.AccessForm
	}{
		{"allow", app.AccessForm{Allow: "0.0.0.0/0"}},
		{"allow", app.AccessForm{Allow: "::/0"}},
		{"allow", app.AccessForm{Allow: "example.com"}},
		{"allow", app.AccessForm{Allow: "192.0.2.1/33"}},
		{"allow", app.AccessForm{Allow: "::ffff:192.0.2.1"}},
		{"allow", app.AccessForm{Allow: "fe80::1%eth0"}},
		{"allow", app.AccessForm{Allow: strings.Repeat("192.0.2.1\n", 101)}},
		{"rate", app.AccessForm{Rate: "0", Period: "second"}},
		{"rate", app.AccessForm{Rate: "-5", Period: "second"}},
		{"rate", app.AccessForm{Rate: "5", Period: "year"}},
		{"burst", app.AccessForm{Rate: "5", Period: "hour", Burst: "x"}},
		{"max_body", app.AccessForm{MaxBody: "0"}},
		{"max_body", app.AccessForm{MaxBody: "33"}},
		{"frame_options", app.AccessForm{FrameOptions: "deny\r\nX-A: b"}},
		{"referrer_policy", app.AccessForm{ReferrerPolicy: "never"}},
		{"csp", app.AccessForm{CSP: "defalt-src 'self'"}},
		{"csp", app.AccessForm{CSP: "default-src self'"}},
		{"csp", app.AccessForm{CSP: "default-src 'self'; default-src *"}},
		{"csp", app.AccessForm{CSP: "default-src 'none' https:"}},
		{"csp", app.AccessForm{CSP: "script-src"}},
		{"csp", app.AccessForm{CSP: "default-src 'self', script-src *"}},
		{"csp", app.AccessForm{CSP: "default-src 'self'\r\nSet-Cookie: a=b"}},
		{"csp", app.AccessForm{CSP: "default-src {{env}}"}},
		{"csp", app.AccessForm{CSP: "upgrade-insecure-requests 1"}},
		{"permissions_policy", app.AccessForm{PermissionsPolicy: "camera 'none'"}},
		{"permissions_policy", app.AccessForm{PermissionsPolicy: "camera=(), camera=*"}},
		{"permissions_policy", app.AccessForm{PermissionsPolicy: "camera=({{)"}},
	} {
		_, err := app.ParseAccessRules(c.form)
		problem, ok := errors.AsType[*problem.Problem](err)
		if !ok || problem.Field != c.field || problem.Hint == "" {
			t.Errorf("%+v: %v", c.form, err)
		}
	}
}

func TestParseAccessRules_ReadsBackWhatItGave(t *testing.T) {
	t.Parallel()
	form := app.AccessForm{
		Allow: "192.0.2.7\n198.51.100.0/24\n2001:db8::/48", Rate: "30", Period: "minute", Burst: "60", MaxBody: "8",
		FrameOptions: "SAMEORIGIN", ReferrerPolicy: "no-referrer", NoSniff: true,
		PermissionsPolicy: `camera=(), geolocation=(self "https://maps.example.com")`,
		CSP:               "default-src 'self'; img-src 'self' data: https://*.example.com:8443; script-src 'sha256-AAAA='; upgrade-insecure-requests",
	}
	rules, err := app.ParseAccessRules(form)
	if err != nil {
		t.Fatal(err)
	}
	access := traefik.Access{Allow: rules.Allow, Rate: rules.Rate, MaxBodyBytes: rules.MaxBodyBytes, Headers: rules.Headers}
	if got := app.AccessFormOf(access); got != form {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseAccessRules(f *testing.F) {
	f.Add("10.0.0.0/8", "5", "default-src 'self'", "camera=()")
	f.Add("::1", "x", "img-src https://a/{{b}}", `a=("https://b")`)
	f.Fuzz(func(t *testing.T, allow, rate, csp, permissions string) {
		rules, err := app.ParseAccessRules(app.AccessForm{Allow: allow, Rate: rate, Period: "second", CSP: csp, PermissionsPolicy: permissions})
		if err != nil {
			return
		}
		access := traefik.Access{Allow: rules.Allow, Rate: rules.Rate, Headers: rules.Headers}
		route, _ := traefik.ParseRoute("/a")
		target := traefik.Target{App: "a", Release: 1, Address: "a:1", Routes: []traefik.Route{route}, Access: access}
		if _, err := traefik.Generate(traefik.Table{Targets: []traefik.Target{target}}); err != nil {
			t.Fatalf("taken, and cannot be published: %v", err)
		}
		if strings.Contains(rules.Headers.ContentSecurityPolicy+rules.Headers.PermissionsPolicy, "{{") {
			t.Fatal("a template came through")
		}
	})
}
