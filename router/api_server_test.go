package router

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/docker"
)

func TestAPITokens_ShowNoTextAndMakeNone(t *testing.T) {
	t.Parallel()
	e := newEnvelope(t)
	plain, _ := e.mint(account.ScopeAdmin, time.Hour, "")
	_, other := e.mint(account.ScopeAdmin, time.Hour, "")
	listed := e.ask(http.MethodGet, "/api/v1/tokens", asBearer(plain))
	if listed.Code != http.StatusOK || strings.Contains(listed.Body.String(), plain) || strings.Contains(listed.Body.String(), other.Hash) {
		t.Errorf("%d %s", listed.Code, listed.Body)
	}
	for _, path := range []string{"/api/v1/tokens", "/api/v1/accounts", "/api/v1/accounts/admin/reset"} {
		if answer := e.ask(http.MethodPost, path, asBearer(plain)); answer.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, answer.Code)
		}
	}
}

func TestAPIAudit_GivesThePageBeforeByItsCursor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "cursor=-1", "from=today"} {
		answer := s.bearer(adminToken, http.MethodGet, "/api/v1/audit?"+query, "")
		field, _, _ := strings.Cut(query, "=")
		if answer.StatusCode != http.StatusUnprocessableEntity || decode(t, answer.body)["field"] != field {
			t.Errorf("%s: %d %s", query, answer.StatusCode, answer.body)
		}
	}
}

func TestAPIVolumes_AFolderIsDeletedOnlyWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	if answer := s.bearer(adminToken, http.MethodPut, "/api/v1/volumes/hello/files/data/a.txt", "text"); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodDelete, "/api/v1/volumes/hello/files/data", ""); answer.StatusCode != http.StatusConflict {
		t.Errorf("without recursive: %d", answer.StatusCode)
	}
	if answer := s.bearer(deployToken, http.MethodDelete, "/api/v1/volumes/hello/files/data?recursive=1", ""); answer.StatusCode != http.StatusNoContent {
		t.Errorf("with recursive: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodDelete, "/api/v1/volumes/hello/files/?recursive=1", ""); answer.StatusCode < http.StatusBadRequest {
		t.Errorf("the volume itself: %d", answer.StatusCode)
	}
}

func TestAPIReleases_ComeInPagesToWhoAsksForThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseFailed))
	numbers := func(path string) (found []float64, next string) {
		told := decode(t, s.bearer(readToken, http.MethodGet, path, "").body)
		for _, one := range told["releases"].([]any) {
			found = append(found, one.(map[string]any)["number"].(float64))
		}
		next, _ = told["next"].(string)
		return found, next
	}
	all, next := numbers("/api/v1/apps/hello/releases")
	if !slices.Equal(all, []float64{3, 2, 1}) || next != "" {
		t.Errorf("all: %v, next %q", all, next)
	}
	first, next := numbers("/api/v1/apps/hello/releases?limit=2")
	if !slices.Equal(first, []float64{3, 2}) || next != "/api/v1/apps/hello/releases?cursor=2&limit=2" {
		t.Fatalf("first page: %v, next %q", first, next)
	}
	if last, next := numbers(next); !slices.Equal(last, []float64{1}) || next != "" {
		t.Errorf("last page: %v, next %q", last, next)
	}
}

func TestAPI_SaysWhenToTryAgainWhereTheEngineIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.apps.onAct = func(string, app.Name) error { return docker.ErrUnavailable }
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/start", "")
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
}
