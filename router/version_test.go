package router

import (
	"net/http"
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
