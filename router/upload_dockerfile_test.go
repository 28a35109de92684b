package router

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/uploads"
)

// realUploads receives archives into a folder, as the controller does.
func realUploads(t *testing.T, s *site) uploads.Folder {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	folder := uploads.New(root, archive.DefaultLimits())
	s.apps.onReceive = func(r io.Reader) (*uploads.Archive, error) { return folder.Receive(r) }
	return folder
}

func TestUpload_ADockerfileThatIsNamedIsTheArchives(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	folder := realUploads(t, s)
	var chosen []string
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Release{}, err
		}
		defer tree.Close()
		chosen = append(chosen, tree.Dockerfile())
		return app.Release{ReleaseID: app.ReleaseID{App: u.Name, Number: 1}}, nil
	}
	zip := part{"archive", archivetest.Zip(t, map[string]string{"docker/Dockerfile": "FROM scratch"}), "a.zip"}
	token := s.signIn()
	for _, typed := range []string{" ./docker/Dockerfile", ""} {
		answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"dockerfile", typed, ""}, zip)
		if answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d: %.500s", typed, answer.StatusCode, answer.body)
		}
	}
	if len(chosen) != 2 || chosen[0] != "docker/Dockerfile" || chosen[1] != "" {
		t.Errorf("got %q", chosen)
	}
}

func TestUpload_RefusesADockerfileThatIsNoPathBesideItsField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"dockerfile", "../Dockerfile", ""}, zipPart)
	if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `id="dockerfile-problem"`) || !strings.Contains(answer.body, `value="../Dockerfile"`) {
		t.Errorf("%d: %.2000s", answer.StatusCode, answer.body)
	}
	if calls := s.apps.called(); len(calls) != 0 {
		t.Errorf("calls %q", calls)
	}
}
