//go:build linux && cgo

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/folder"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/uploads"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
	"berth/router"
	"berth/traefik"
)

// fakeStory receives archives for real, and accepts what can be opened.
type fakeStory struct {
	uploads.Folder

	folder   string
	fail     error
	accepted []controller.Upload
}

func (s *fakeStory) Accept(_ context.Context, upload controller.Upload) (app.Release, error) {
	if s.fail != nil {
		return app.Release{}, s.fail
	}
	tree, err := s.Open(upload.Archive.File())
	if err != nil {
		return app.Release{}, err
	}
	s.accepted = append(s.accepted, upload)
	return app.Release{ReleaseID: app.ReleaseID{App: upload.Name, Number: int64(len(s.accepted))}}, tree.Close()
}

func newHooked(t *testing.T) (hooked, *fakeStory, *store.Store) {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	at := t.TempDir()
	root, err := folder.OpenPrivate(at)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := limit.Open(t.Context(), limit.Options{
		Ledger: ledger.Limits(), Logger: slog.New(slog.DiscardHandler), Budgets: limit.Budgets{limit.Update: {{Requests: 2, Span: time.Hour}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	story := &fakeStory{Folder: uploads.New(root, archive.DefaultLimits()), folder: at}
	return hooked{story, limits}, story, ledger
}

// TestWebhooks_APushToAGitHostBecomesARelease goes the whole way but for HTTP: git's own
// server, a signed delivery, the fetch, and the archive of a release.
func TestWebhooks_APushToAGitHostBecomesARelease(t *testing.T) {
	h, story, ledger := newHooked(t)
	host, git := newGitHost(t)
	roots := x509.NewCertPool()
	roots.AddCert(host.Certificate())
	remotes, err := remote.New(remote.Options{DataFolder: t.TempDir(), Dial: new(net.Dialer).DialContext, Roots: roots, NoRoom: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	var admin router.Options
	made := openWebhooks(Config{Stack: "berth"}, remotes, ledger, &admin, h, key, slog.New(slog.DiscardHandler))
	shop := app.App{Name: "shop", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now(), Routes: []traefik.Route{{Path: "/shop"}}}
	if _, err := ledger.CreateApp(t.Context(), shop, app.Release{Cause: app.CauseUpload, Archive: "a.zip", CreatedBy: "ann", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	view, fresh, err := made.Save(t.Context(), "shop", inbox.Settings{On: true, Address: host.URL + "/shop.git"})
	if err != nil {
		t.Fatal(err)
	}
	commit := git("rev-parse", "HEAD")
	body := []byte(`{"ref": "refs/heads/main", "commit": "` + commit + `", "repository": "` + host.URL + `/shop.git"}`)
	header := http.Header{"Content-Type": {"application/json"}, "X-Berth-Signature": {webhook.Sign(body, fresh)}}
	answer, err := admin.Webhooks.Deliver(t.Context(), view.Path, header, body)
	if err != nil || answer.Result != inbox.Deployed || answer.Release != 1 {
		t.Fatalf("got %+v, %v", answer, err)
	}
	if got := story.accepted[0]; got.Name != "shop" || !got.Next || got.By != "webhook" || got.Archive.Name != "shop-"+commit[:8]+".tar.gz" {
		t.Errorf("accepted %+v", got)
	}
}

// newGitHost is git's own server with a repository, and git in its working copy.
func newGitHost(t *testing.T) (*httptest.Server, func(args ...string) string) {
	t.Helper()
	folder := t.TempDir()
	git := func(args ...string) string {
		command := exec.Command("git", args...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main", "shop.git")
	folder = filepath.Join(folder, "shop.git")
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", "-A")
	git("commit", "-q", "-m", "x")
	server := httptest.NewTLSServer(&cgi.Handler{
		Path: filepath.Join(git("--exec-path"), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(folder), "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(server.Close)
	return server, git
}

func TestWebhooks_AnAppHasABudgetOfUpdates(t *testing.T) {
	h, story, _ := newHooked(t)
	deploy := func(name app.Name) error {
		_, err := h.deploy(t.Context(), inbox.Wish{App: name, Commit: pack.ID{1}, Archive: strings.NewReader("no archive")})
		return err
	}
	story.fail = errors.New("refused")
	for range 5 { // what was refused is given back
		if err := deploy("shop"); !errors.Is(err, story.fail) {
			t.Fatalf("got %v", err)
		}
	}
	story.fail = nil
	for range 2 {
		received, err := h.limits.Take(t.Context(), limit.Update, limit.Account("webhook of shop"))
		if err != nil || received == nil {
			t.Fatal(err)
		}
	}
	if err := deploy("shop"); problem.KindOf(err) != problem.KindLimited {
		t.Errorf("over the budget: %v", err)
	}
	if err := deploy("blog"); problem.KindOf(err) == problem.KindLimited {
		t.Errorf("another app: %v", err)
	}
	if left, err := os.ReadDir(story.folder); err != nil || len(left) != 0 {
		t.Errorf("archives are left: %v, %v", left, err)
	}
}
