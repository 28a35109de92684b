package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

// aFailure is a failed release that can be tried again, with what would mend it.
func (s *site) aFailure(remedy problem.Remedy) {
	release := aRelease("hello", 5, app.ReleaseFailed)
	release.Archive, release.Remedy = "kept.upload", remedy
	s.apps.putRelease(release)
}

func TestRetry_PageOffersWhatWouldMendTheRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	s.aFailure(problem.Remedy{Port: 5000, Folder: "/data", WritableRoot: true, Memory: true})
	page := s.get("/admin/apps/hello/releases/5").body
	for _, want := range []string{"Use port 5000 and try again", "Mount a volume at /data and try again", `value="hello-data"`, "Allow a writable root", "MB of memory and try again", ">Try again<"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	s.aFailure(problem.Remedy{})
	page = s.get("/admin/apps/hello/releases/5").body
	if !strings.Contains(page, ">Try again<") || strings.Contains(page, "and try again<") {
		t.Error("it offers too much, or too little")
	}
	gone := aRelease("hello", 6, app.ReleaseFailed)
	s.apps.putRelease(gone)
	if strings.Contains(s.get("/admin/apps/hello/releases/6").body, "ry again<") {
		t.Error("it offers what is not kept any more")
	}
}

func TestRetry_ChangesWhatWasTypedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.aFailure(problem.Remedy{Port: 5000})
	for _, test := range []struct {
		typed url.Values
		call  string
	}{
		{url.Values{}, "port 0, 512 MB, root false, mount :"},
		{url.Values{"port": {"5000"}}, "port 5000, 512 MB, root false, mount :"},
		{url.Values{"memory": {"1024"}, "writable_root": {"1"}}, "port 0, 1024 MB, root true, mount :"},
		{url.Values{"volume": {"hello-data"}, "target": {"/data"}}, "port 0, 512 MB, root false, mount hello-data:/data"},
	} {
		test.typed.Set(formField, token)
		answer := s.post("/admin/apps/hello/releases/5/retry", test.typed)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
			t.Errorf("%v: %d to %q", test.typed, answer.StatusCode, answer.Header.Get("Location"))
		}
		calls := s.apps.called()
		if last := calls[len(calls)-1]; !strings.Contains(last, test.call) {
			t.Errorf("called %q, want %q", last, test.call)
		}
	}
}

func TestRetry_SaysWhatIsWrongOnThePageOfTheRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.aFailure(problem.Remedy{})
	for _, typed := range []url.Values{{"port": {"x"}}, {"volume": {"No!"}, "target": {"/data"}}, {"volume": {"data"}, "target": {"/etc"}}} {
		typed.Set(formField, token)
		answer := s.post("/admin/apps/hello/releases/5/retry", typed)
		if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, "Release r5") {
			t.Errorf("%v: %d", typed, answer.StatusCode)
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("called %q", calls)
	}
}

func TestRetry_ByAPITakesSettingsAndGivesNoWaiverToTheScopeDeploy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.aFailure(problem.Remedy{})
	const path = "/api/v1/apps/hello/releases/5/retry"
	for _, body := range []string{"", "{}", `{"port": 5000, "mount": {"volume": "data", "target": "/data"}}`} {
		if answer := s.bearer(deployToken, http.MethodPost, path, body); answer.StatusCode != http.StatusCreated {
			t.Errorf("%s: %d %s", body, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"writable_root": true}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a waiver: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodPost, path, `{"writable_root": true}`); answer.StatusCode != http.StatusCreated {
		t.Errorf("a waiver by an admin: %d %s", answer.StatusCode, answer.body)
	}
}
