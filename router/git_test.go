package router

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/push"
	"berth/test/patience"
)

// fakePushLedger keeps settings in memory.
type fakePushLedger struct {
	mu       sync.Mutex
	settings map[app.Name]push.Settings
}

func (l *fakePushLedger) FindPushSettings(_ context.Context, name app.Name) (push.Settings, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings[name], nil
}

func (l *fakePushLedger) SavePushSettings(_ context.Context, name app.Name, settings push.Settings) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings[name] = settings
	return nil
}

func (l *fakePushLedger) FindApp(context.Context, app.Name) (app.App, error) { return app.App{}, nil }

func (l *fakePushLedger) ListApps(context.Context) ([]app.App, error) { return nil, nil }

// newPushes are the real ones, in a folder of the test.
func newPushes(t testing.TB) *push.Pushes {
	t.Helper()
	pushes, err := push.New(push.Options{
		DataFolder: t.TempDir(), Ledger: &fakePushLedger{settings: map[app.Name]push.Settings{}},
		Logger: slog.New(slog.DiscardHandler), NoRoom: func() error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return pushes
}

// repository is a working copy with one commit.
type repository struct {
	*site
	folder string
}

func (s *site) repository() repository {
	s.t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		s.t.Fatal("git is not installed: apt-get install git")
	}
	r := repository{s, s.t.TempDir()}
	r.must("init", "-q", "-b", "main")
	r.commit("1")
	return r
}

func (r repository) commit(text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.folder, "Dockerfile"), []byte("FROM scratch\n# "+text+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.must("add", "-A")
	r.must("commit", "-q", "-m", text)
}

func (r repository) git(args ...string) (string, error) {
	command := exec.Command("git", append([]string{"-c", "http.sslVerify=false"}, args...)...)
	command.Dir = r.folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := command.CombinedOutput()
	return string(out), err
}

func (r repository) must(args ...string) {
	r.t.Helper()
	if out, err := r.git(args...); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// push pushes to an app with a token as the password; an empty one is none.
func (r repository) push(token string, name app.Name, refs ...string) (string, error) {
	address := "https://" + r.server.Listener.Addr().String() + gitAddress(name)
	if token != "" {
		address = strings.Replace(address, "//", "//git:"+token+"@", 1)
	}
	return r.git(append([]string{"push", address}, refs...)...)
}

// ends lets each release end in a state, once its log was written.
func (s *site) ends(state app.ReleaseState) {
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		release := aRelease(u.Name, 9, app.ReleaseBuilding)
		s.apps.putRelease(release)
		go func(ended app.Release) {
			s.apps.appendLog(ended.ReleaseID, "step 1\nstep 2\n")
			ended.State, ended.Reason, ended.Hint = state, "The build failed.", "Look at line 2."
			s.apps.putRelease(ended)
		}(release)
		return release, nil
	}
}

// recorded are the entries of an action. A push is recorded after its answer.
func (s *site) recorded(action audit.Action) (entries []audit.Event) {
	patience.Eventually(5*time.Second, func() bool {
		entries = nil
		for _, entry := range s.audit.recorded() {
			if entry.Action == action {
				entries = append(entries, entry)
			}
		}
		return len(entries) > 0
	})
	return entries
}

func TestGit_PushDeploysAndShowsTheLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	r := s.repository()
	out, err := r.push(deployToken, "hello", "main")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"remote: berth: release 9 of hello", "remote: step 2", "remote: berth: release 9 is live at http"} {
		if !strings.Contains(out, want) {
			t.Errorf("git does not show %q:\n%s", want, out)
		}
	}
	if called := strings.Join(s.apps.called(), "\n"); !strings.Contains(called, "update hello hello-") || strings.Count(called, "update") != 1 {
		t.Errorf("called %s", called)
	}
	entries := s.recorded(audit.ActionAppUpdate)
	if len(entries) != 1 || !entries[0].Success || entries[0].Resource != "app hello" || !strings.Contains(entries[0].Detail, "git push of ") {
		t.Errorf("audited %+v", entries)
	}
}

func TestGit_AFailedReleaseFailsThePush(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseFailed)
	out, err := s.repository().push(deployToken, "hello", "main")
	if err == nil || !strings.Contains(out, "[remote rejected] main -> main (Release 9 failed: The build failed.)") || !strings.Contains(out, "remote: berth: Look at line 2.") {
		t.Errorf("%v\n%s", err, out)
	}
	if entries := s.recorded(audit.ActionAppUpdate); len(entries) != 1 || entries[0].Success {
		t.Errorf("audited %+v", entries)
	}
}

func TestGit_AFirstPushCreatesTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ends(app.ReleaseLive)
	if out, err := s.repository().push(deployToken, "fresh", "main"); err == nil || !strings.Contains(strings.Join(s.apps.called(), "\n"), "accept fresh /fresh") {
		t.Errorf("%v, called %v\n%s", err, s.apps.called(), out) // the fake knows no app afterwards
	}
}

func TestGit_LetsNobodyInWithoutATokenThatMayDeploy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	r := s.repository()
	for token, words := range map[string]string{"": "could not read Username", "wrong": "Authentication failed", readToken: "the scope read; this needs deploy"} {
		if out, err := r.push(token, "hello", "main"); err == nil || !strings.Contains(out, words) {
			t.Errorf("the token %q: %v\n%s", token, err, out)
		}
	}
	if called := s.apps.called(); len(called) > 0 {
		t.Errorf("called %v", called)
	}
}

func TestGit_ServesNoFetchAndNoOtherPath(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	r := s.repository()
	address := "https://git:" + deployToken + "@" + s.server.Listener.Addr().String() + "/git/hello.git"
	if out, err := r.git("ls-remote", address); err == nil || !strings.Contains(out, "Berth takes pushes, and gives nothing back.") {
		t.Errorf("%v\n%s", err, out)
	}
	for path, want := range map[string]int{
		"/git/hello.git/info/refs?service=git-upload-pack":  http.StatusUnprocessableEntity,
		"/git/hello/info/refs?service=git-receive-pack":     http.StatusBadRequest,
		"/git/Hello.git/info/refs?service=git-receive-pack": http.StatusBadRequest,
		"/git/hello.git/HEAD":                               http.StatusNotFound,
		"/git/hello.git/config":                             http.StatusNotFound,
	} {
		if answer := s.bearer(deployToken, http.MethodGet, path, ""); answer.StatusCode != want {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/git/hello.git/git-upload-pack", "0000"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a fetch: %d", answer.StatusCode)
	}
}

func TestGit_RefusesWhatGitWouldNotSend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	zeros, ones := strings.Repeat("0", 40), strings.Repeat("1", 40)
	for name, body := range map[string]string{
		"nothing": "", "no length": "hello", "a short length": "0003", "a line without end": "00ffabc", "no list": "0010hello, world",
		"a command of one word": "0009hello0000", "no object": "006d" + strings.Repeat("x", 40) + " " + ones + " refs/heads/main\x00report-status",
	} {
		if answer := s.bearer(deployToken, http.MethodPost, "/git/hello.git/git-receive-pack", body); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPost, "/git/hello.git/git-receive-pack", "0000"); answer.StatusCode != http.StatusOK || answer.body != "" {
		t.Errorf("the question whether it may: %d %q", answer.StatusCode, answer.body)
	}
	command := zeros + " " + ones + " refs/heads/main\x00report-status"
	answer := s.bearer(deployToken, http.MethodPost, "/git/hello.git/git-receive-pack", fmt.Sprintf("%04x%s0000PACK", len(command)+4, command))
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, "ng refs/heads/main The push is damaged") {
		t.Errorf("a cut pack: %d %q", answer.StatusCode, answer.body)
	}
	if called := s.apps.called(); len(called) > 0 {
		t.Errorf("called %v", called)
	}
}

func TestGit_CountsAgainstTheLimitOfUpdates(t *testing.T) {
	t.Parallel()
	few := maps.Clone(manyRequests)
	few[limit.Update] = limit.Budget{{Requests: 2, Span: time.Hour}}
	s := newSite(t, func(o *Options) { o.Limits = openLimits(t, freshLedger(t), time.Now, few) })
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	r := s.repository()
	var out string
	var err error
	for i := 0; err == nil && i < 5; i++ {
		out, err = r.push(deployToken, "hello", "main")
		r.commit(strings.Repeat("x", i+2))
	}
	if err == nil || !strings.Contains(out, "Too many") {
		t.Errorf("%v\n%s", err, out)
	}
}
