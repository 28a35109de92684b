package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheme_IsKeptInACookieOfThisHostAndShownOnEveryPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.get("/volumes").body, `<html lang="en">`, `content="light dark"`, `value="system" aria-pressed="true"`, `name="next" value="/volumes"`)
	chosen := s.post("/theme", url.Values{formField: {token}, "theme": {"dark"}, "next": {"/volumes"}})
	if to := chosen.Header.Get("Location"); chosen.StatusCode != http.StatusSeeOther || to != "/volumes#notice" {
		t.Errorf("%d to %q", chosen.StatusCode, to)
	}
	cookie := chosen.Header.Get("Set-Cookie")
	for _, part := range []string{"__Host-berth-theme=dark", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age="} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	for _, path := range []string{"/volumes", "/admin/apps/missing", "/nothing"} {
		mustContain(t, s.get(path).body, `data-theme="dark"`, `<meta name="color-scheme" content="dark">`)
	}
	s.post("/theme", url.Values{formField: {token}, "theme": {"system"}})
	if s.cookie("__Host-berth-theme") != "" {
		t.Error("the theme of the system left a cookie")
	}
	mustContain(t, s.get("/admin").body, `<html lang="en">`)
}

func TestTheme_RefusesWhatIsNoneAndLeadsToNoOtherSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	wrong := s.post("/theme", url.Values{formField: {token}, "theme": {`dark"><b>`}})
	if wrong.StatusCode != http.StatusUnprocessableEntity || strings.Contains(wrong.Header.Get("Set-Cookie"), "theme") {
		t.Errorf("%d, %q", wrong.StatusCode, wrong.Header.Get("Set-Cookie"))
	}
	for _, next := range []string{"https://attacker.com", "//attacker.com", `/\attacker.com`, "/a?b", "/%2f/attacker.com", "", "x"} {
		if to := s.post("/theme", url.Values{formField: {token}, "theme": {"light"}, "next": {next}}).Header.Get("Location"); to != "/admin#notice" {
			t.Errorf("next %q leads to %q", next, to)
		}
	}
	forged := s.request(http.MethodGet, "/admin", nil)
	forged.AddCookie(&http.Cookie{Name: "__Host-berth-theme", Value: "pink"})
	s.post("/theme", url.Values{formField: {token}, "theme": {"system"}})
	if body := s.do(forged).body; strings.Contains(body, "data-theme") {
		t.Error("a theme that is none was shown")
	}
}
