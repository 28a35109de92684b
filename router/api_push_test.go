package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller/audit"
)

const pushRow = "/api/v1/apps/hello/push"

// showsPush fails unless the API shows this branch and folder.
func (s *site) showsPush(want string) {
	s.t.Helper()
	if answer := s.bearer(readToken, http.MethodGet, pushRow, ""); answer.StatusCode != http.StatusOK || strings.TrimSpace(answer.body) != want {
		s.t.Errorf("shows %d %s, want %s", answer.StatusCode, answer.body, want)
	}
}

func TestAPIPush_ChangesOnlyWhatTheBodyNames(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	s.showsPush(`{"branch":"","folder":""}`)
	for _, body := range []string{`{"branch": "refs/heads/release"}`, `{"folder": "./web/"}`, `{}`} {
		if answer := s.bearer(deployToken, http.MethodPatch, pushRow, body); answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	s.showsPush(`{"branch":"release","folder":"web"}`)
	if recorded := s.recorded(audit.ActionAppSettings); len(recorded) != 3 || recorded[0].Resource != "app hello" {
		t.Errorf("recorded %+v", recorded)
	}
}

func TestAPIPush_NamesEachFaultAndSavesNothing(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	answer := s.bearer(deployToken, http.MethodPatch, pushRow, `{"branch": "a..b", "folder": "../etc"}`)
	if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, "a..b") || !strings.Contains(answer.body, "../etc") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	s.showsPush(`{"branch":"","folder":""}`)
}

func TestAPIPush_RefusesAnAppThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	for _, method := range []string{http.MethodGet, http.MethodPatch} {
		if answer := s.bearer(adminToken, method, "/api/v1/apps/none/push", `{"branch": "main"}`); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", method, answer.StatusCode, answer.body)
		}
	}
}

func TestAPIPush_TheNextPushFollowsTheBranch(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	r := s.repository()
	if answer := s.bearer(deployToken, http.MethodPatch, pushRow, `{"branch": "release"}`); answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	out, err := r.push(deployToken, "hello", "main")
	if err == nil || !strings.Contains(out, "this app deploys the branch release") {
		t.Errorf("%v\n%s", err, out)
	}
}
