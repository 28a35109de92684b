package router

import (
	"archive/tar"
	"errors"
	"io"
	"net/http"
	"os"
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

func TestAPIVolumes_ATarIsUnpackedIntoAVolumeThatNoRunningAppHas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const path = "/api/v1/volumes/data/tar"
	made := func(name string) string {
		var text strings.Builder
		out := tar.NewWriter(&text)
		err := out.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 5, Uid: os.Getuid(), Gid: os.Getgid()})
		if err == nil {
			_, err = io.WriteString(out, "hello")
		}
		if err := errors.Join(err, out.Close()); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	for name, call := range map[string]struct {
		path, body string
		status     int
	}{
		"no body":       {path, "", http.StatusUnprocessableEntity},
		"no way":        {path + "?way=over", made("a"), http.StatusUnprocessableEntity},
		"no tar":        {path, strings.Repeat("text", 512), http.StatusUnprocessableEntity},
		"leads outside": {path, made("../secret"), http.StatusUnprocessableEntity},
	} {
		if answer := s.bearer(deployToken, http.MethodPut, call.path, call.body); answer.StatusCode != call.status {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodGet, "/api/v1/volumes/data", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a volume is left behind: %d", answer.StatusCode)
	}
	if answer := s.bearer(deployToken, http.MethodPut, path, made("a")); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPut, path, made("b")); answer.StatusCode != http.StatusConflict {
		t.Errorf("into a volume that holds something: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPut, path+"?way=merge", made("b")); answer.StatusCode != http.StatusNoContent {
		t.Errorf("merged: %d %s", answer.StatusCode, answer.body)
	}
	if s.inVolume("a") != "hello" || s.inVolume("b") != "hello" {
		t.Error("the files are not there")
	}
	s.volumes.mountedBy(t, "hello", "data")
	answer := s.bearer(deployToken, http.MethodPut, path+"?way=merge", made("c"))
	if answer.StatusCode != http.StatusConflict || !strings.Contains(answer.body, "The app hello runs with the volume data.") {
		t.Errorf("below a running app: %d %s", answer.StatusCode, answer.body)
	}
	if err := s.volumes.ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped); err != nil {
		t.Fatal(err)
	}
	if answer := s.bearer(deployToken, http.MethodPut, path+"?way=merge", made("c")); answer.StatusCode != http.StatusNoContent {
		t.Errorf("of a stopped app: %d %s", answer.StatusCode, answer.body)
	}
}
