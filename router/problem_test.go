package router

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

func TestProblem_EveryKindHasItsStatusOnThePageAndInTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for kind, want := range map[problem.Kind]int{
		problem.KindInvalid: 422, problem.KindForbidden: 403, problem.KindNotFound: 404, problem.KindConflict: 409,
		problem.KindTooLarge: 413, problem.KindLimited: 429, problem.KindUnavailable: 503, problem.KindInternal: 500,
		problem.KindFull: 507, problem.KindStale: 412,
	} {
		s.apps.onAct = func(string, app.Name) error {
			return &problem.Problem{Kind: kind, Message: "It is so.", Hint: "Do that.", Err: errors.New("the private cause")}
		}
		page := s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}})
		api := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/stop", "")
		for _, answer := range []answer{page, api} {
			if answer.StatusCode != want {
				t.Errorf("kind %d: %d, want %d", kind, answer.StatusCode, want)
			}
			if strings.Contains(answer.body, "private") {
				t.Errorf("kind %d shows its cause: %s", kind, answer.body)
			}
			if kind == problem.KindInternal {
				mustContain(t, answer.body, "Something went wrong.", answer.Header.Get("X-Request-ID"))
				continue
			}
			mustContain(t, answer.body, "It is so.", "Do that.")
		}
	}
	mustContain(t, s.logged.String(), "the private cause")
}

func TestProblem_DetailsFollowTheStandard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/missing", "")
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		t.Errorf("content type %q", got)
	}
	var details map[string]any
	if err := json.Unmarshal([]byte(answer.body), &details); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"type": "about:blank", "title": "Not Found", "status": 404.0,
		"detail": "There is no app called missing.", "instance": answer.Header.Get("X-Request-ID"),
	} {
		if details[field] != want {
			t.Errorf("%s is %v, want %v", field, details[field], want)
		}
	}
}

func TestProblem_PanicIsALoggedInternalError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.apps.onAct = func(string, app.Name) error { panic("a bug") }
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/stop", "")
	if answer.StatusCode != http.StatusInternalServerError || strings.Contains(answer.body, "bug") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.logged.String(), "handler panicked", "a bug", answer.Header.Get("X-Request-ID"))
}

func TestProblem_DeletionAsksForTheNameOnThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	answer := s.post("/admin/apps/hello/delete", url.Values{"csrf_token": {token}, "confirm": {"helo"}})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, `id="confirm-problem"`, `value="helo"`)
	answer = s.post("/admin/apps/hello/delete", url.Values{"csrf_token": {token}, "confirm": {"hello"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin#notice" {
		t.Errorf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}
