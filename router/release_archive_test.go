package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/archive/archivetest"
	"berth/controller/audit"
	"berth/controller/secret"
	"berth/controller/sources"
)

// newSources are the real ones, of archives in a folder of the test and of releases of the
// fake.
func newSources(t testing.TB, apps *fakeApps) *sources.Sources {
	t.Helper()
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	apps.archives = t.TempDir()
	return sources.New(apps, apps.archives, key)
}

func (f *fakeApps) FindEnvironmentOf(_ context.Context, id app.ReleaseID) ([]app.Variable, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.variables[id.Number], nil
}

// keepArchive lets a release of hello have an archive of names and contents, given in turn.
func (s *site) keepArchive(number int64, files ...string) (content string) {
	s.t.Helper()
	named := map[string]string{}
	for i := 0; i < len(files); i += 2 {
		named[files[i]] = files[i+1]
	}
	content = archivetest.Zip(s.t, named)
	release, err := s.apps.Release(s.t.Context(), app.ReleaseID{App: "hello", Number: number})
	if err != nil {
		s.t.Fatal(err)
	}
	folder, sum := filepath.Join(s.apps.archives, "uploads"), sha256.Sum256([]byte(content))
	release.Archive, release.ArchiveBytes, release.ArchiveSHA256 = fmt.Sprintf("R%d.upload", number), int64(len(content)), hex.EncodeToString(sum[:])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, release.Archive), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.apps.putRelease(release)
	return content
}

func TestArchive_IsDownloadedAsItWasUploadedAndRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	content := s.keepArchive(2, "index.html", "<script>alert(1)</script>")
	s.signIn()
	page := s.get("/admin/apps/hello/releases/2/archive")
	api := s.bearer(deployToken, http.MethodGet, "/api/v1/apps/hello/releases/2/archive", "")
	for name, answer := range map[string]answer{"page": page, "API": api} {
		if answer.StatusCode != http.StatusOK || answer.body != content || answer.ContentLength != int64(len(content)) {
			t.Errorf("%s: %d with %d bytes, want %d", name, answer.StatusCode, len(answer.body), len(content))
		}
		for header, want := range map[string]string{
			"Content-Disposition": `attachment; filename=app.zip`, "Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
		} {
			if found := answer.Header.Get(header); found != want {
				t.Errorf("%s: %s is %q", name, header, found)
			}
		}
	}
	var recorded []string
	for _, event := range s.audit.recorded() {
		if event.Action == audit.ActionReleaseArchive {
			recorded = append(recorded, fmt.Sprint(event.Account, " ", event.Resource, " ", event.Success))
		}
	}
	if got := strings.Join(recorded, "; "); got != "admin release hello r2 true; token ci release hello r2 true" {
		t.Errorf("recorded %q", got)
	}
}

func TestArchive_ATokenThatReadsAloneGetsNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	content := s.keepArchive(2, "a.txt", "source")
	answer := s.bearer(readToken, http.MethodGet, "/api/v1/apps/hello/releases/2/archive", "")
	if answer.StatusCode != http.StatusForbidden || strings.Contains(answer.body, content) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}

func TestArchive_ThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for _, answer := range []answer{
		s.get("/admin/apps/hello/releases/1/archive"),
		s.bearer(deployToken, http.MethodGet, "/api/v1/apps/hello/releases/1/archive", ""),
	} {
		if answer.StatusCode != http.StatusNotFound || !strings.Contains(answer.body, "The archive of r1 is no longer kept.") {
			t.Errorf("%d %s", answer.StatusCode, answer.body)
		}
	}
	s.keepArchive(2, "a.txt", "source")
	page := s.get("/admin/apps/hello/releases").body
	if !strings.Contains(page, "/releases/2/archive") || strings.Contains(page, "/releases/1/archive") {
		t.Error("the Releases tab does not link to the archive that is kept, or links to one that is not")
	}
}
