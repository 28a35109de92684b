package router

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func (s *site) change(method, path, body, version string) answer {
	s.t.Helper()
	r := s.request(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("If-Match", version)
	return s.do(r)
}

func TestVersion_ALostUpdateIsRefused(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/apps/hello/access"
	s := newSite(t)
	s.anApp("hello")
	seen := s.bearer(readToken, http.MethodGet, path, "").Header.Get("ETag")
	if seen == "" {
		t.Fatal("there is no ETag")
	}
	if again := s.bearer(readToken, http.MethodGet, path, "").Header.Get("ETag"); again != seen {
		t.Errorf("the ETag of the same is %s, then %s", seen, again)
	}
	if first := s.change(http.MethodPatch, path, `{"rules": {"allow": ["192.0.2.0/24"]}}`, seen); first.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	calls := len(s.apps.called())
	second := s.change(http.MethodPatch, path, `{"rules": {"allow": ["198.51.100.0/24"]}}`, seen)
	if second.StatusCode != http.StatusPreconditionFailed || decode(t, second.body)["hint"] == "" {
		t.Errorf("%d %s", second.StatusCode, second.body)
	}
	if made := s.apps.called()[calls:]; len(made) > 0 {
		t.Errorf("it was made: %q", made)
	}
	for _, version := range []string{`"other", ` + s.bearer(readToken, http.MethodGet, path, "").Header.Get("ETag"), "*"} {
		if answer := s.change(http.MethodPatch, path, `{"rules": {"allow": []}}`, version); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", version, answer.StatusCode, answer.body)
		}
	}
}

func TestVersion_EveryRowThatIsEditedShowsIt(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	rows := 0
	for _, r := range new(admin).apiRoutes() {
		if r.api.edits == nil {
			continue
		}
		rows++
		path := concrete(r.path)
		if tag := s.bearer(adminToken, http.MethodGet, path, "").Header.Get("ETag"); tag == "" {
			t.Errorf("GET %s has no ETag", path)
		}
		if answer := s.change(r.method, path, "{}", `"old"`); answer.StatusCode != http.StatusPreconditionFailed {
			t.Errorf("%s %s with an old one: %d", r.method, path, answer.StatusCode)
		}
	}
	if rows < 7 {
		t.Errorf("only %d rows", rows)
	}
}

// hiddenVersion is that of the first form of the page that has one.
var hiddenVersion = regexp.MustCompile(`name="version" value="([^"]+)"`)

func TestVersion_AFormThatSawAnotherStateIsShownAgainWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	token := s.signIn()
	for _, form := range []struct {
		page, path, field, first, second string
		more                             url.Values
	}{
		{"/admin/apps/hello/settings", "/admin/apps/hello/settings", "memory", "300", "301", url.Values{"cpu": {"50"}, "processes": {"100"}}},
		{"/admin/apps/hello/access", "/admin/apps/hello/access", "allow", "192.0.2.0/24", "198.51.100.0/24", nil},
		{"/settings/proxy", "/settings/proxy", "email", "one@example.com", "two@example.com", url.Values{"authority": {"letsencrypt"}, "challenge": {"http"}, "dashboard": {"local"}}},
	} {
		send := func(version, value string) answer {
			typed := url.Values{formField: {token}, form.field: {value}, fieldVersion: {version}}
			maps.Copy(typed, form.more)
			return s.post(form.path, typed)
		}
		seen := s.hiddenVersion(form.page, s.get(form.page).body)
		if got := send(seen, form.first); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", form.path, got.StatusCode, got.body)
		}
		if form.field == "memory" { // its release is live
			view.Settings.MemoryBytes = 300 << 20
			s.apps.put(view)
		}
		late := send(seen, form.second)
		if late.StatusCode != http.StatusPreconditionFailed {
			t.Errorf("%s: a form of before is answered %d", form.path, late.StatusCode)
		}
		mustContain(t, late.body, "Somebody changed this since you opened the page.", form.second)
		if got := send(s.hiddenVersion(form.page, late.body), form.second); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: once more it is answered %d", form.path, got.StatusCode)
		}
	}
}

func (s *site) hiddenVersion(page, body string) string {
	s.t.Helper()
	found := hiddenVersion.FindStringSubmatch(body)
	if found == nil {
		s.t.Fatalf("%s has no version", page)
	}
	return html.UnescapeString(found[1])
}
