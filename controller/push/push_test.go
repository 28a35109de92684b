package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/problem"
	"berth/controller/push/wire"
)

// fakeLedger keeps settings in memory.
type fakeLedger struct {
	mu       sync.Mutex
	settings map[app.Name]Settings
	apps     []app.App
}

func (l *fakeLedger) FindPushSettings(_ context.Context, name app.Name) (Settings, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings[name], nil
}

func (l *fakeLedger) SavePushSettings(_ context.Context, name app.Name, settings Settings) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings[name] = settings
	return nil
}

func (l *fakeLedger) FindApp(_ context.Context, name app.Name) (app.App, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, found := range l.apps {
		if found.Name == name {
			return found, nil
		}
	}
	return app.App{}, problem.ErrNotFound
}

func (l *fakeLedger) ListApps(context.Context) ([]app.App, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.apps, nil
}

func (l *fakeLedger) setApps(apps []app.App) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apps = apps
}

// fakeDoor deploys into memory what it can open as the archive of an app.
type fakeDoor struct {
	t     *testing.T
	fail  error             // of the release
	wait  func()            // while the release is under way
	names map[string]string // of the last release: path -> content, where that is small
	kinds map[string]string // path -> mode
	wish  Wish              // the last
	count int               // of releases
}

func (d *fakeDoor) Admit(context.Context) error { return nil }

func (d *fakeDoor) Deploy(ctx context.Context, wish Wish, progress io.Writer) error {
	file := filepath.Join(d.t.TempDir(), "archive")
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, wish.Archive); err != nil {
		return err
	}
	if err := to.Close(); err != nil {
		return err
	}
	tree, err := archive.Open(file, archive.DefaultLimits())
	if err != nil {
		return problem.Refused("archive", err)
	}
	defer tree.Close()
	if d.wait != nil {
		d.wait()
	}
	_, _ = fmt.Fprintln(progress, "step 1: building")
	d.names, d.kinds = map[string]string{}, map[string]string{}
	for _, entry := range tree.Entries() {
		if entry.Kind == archive.File && entry.Size < 1<<10 {
			text, err := tree.ReadFile(ctx, entry.Path, 1<<10)
			if err != nil {
				return problem.Refused("archive", err)
			}
			d.names[entry.Path] = string(text)
		}
		d.kinds[entry.Path] = fmt.Sprint(entry.Kind, " ", entry.Mode)
	}
	d.wish = wish
	if d.fail != nil {
		return d.fail
	}
	d.count++
	return nil
}

// server is Pushes behind HTTP, as the admin app mounts them.
type server struct {
	*Pushes
	door   *fakeDoor
	ledger *fakeLedger
	folder string
	url    string
	errs   chan error
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerIn(t, t.TempDir())
}

func newServerIn(t *testing.T, folder string) *server {
	t.Helper()
	ledger := &fakeLedger{settings: map[app.Name]Settings{}, apps: []app.App{{Name: "shop"}}}
	pushes, err := New(Options{DataFolder: folder, Ledger: ledger, Logger: slog.New(slog.DiscardHandler), NoRoom: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Pushes: pushes, door: &fakeDoor{t: t}, ledger: ledger, folder: folder, errs: make(chan error, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /git/{name}/info/refs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-receive-pack-advertisement")
		if err := wire.Announce(w); err != nil {
			t.Error(err)
		}
		if err := pushes.Advertise(r.Context(), w, app.Name(strings.TrimSuffix(r.PathValue("name"), ".git"))); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /git/{name}/git-receive-pack", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
		pushed, err := pushes.Receive(r.Context(), app.Name(strings.TrimSuffix(r.PathValue("name"), ".git")), r.Body, flushing{w}, s.door)
		if err != nil && !pushed {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
		if pushed {
			_, _ = io.Copy(io.Discard, r.Body)
			s.errs <- err
		}
	})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		meet()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL + "/git/shop.git"
	return s
}

// meeting is where the goroutines of a test and of its server meet: git, which stands between
// them, is another process, and the race detector sees no order there.
var meeting struct {
	sync.Mutex

	count int
}

func meet() {
	meeting.Lock()
	defer meeting.Unlock()
	meeting.count++
}

type flushing struct{ http.ResponseWriter }

func (f flushing) Write(p []byte) (int, error) {
	meet()
	n, err := f.ResponseWriter.Write(p)
	return n, errors.Join(err, http.NewResponseController(f.ResponseWriter).Flush())
}

// clone is a working copy of the person who pushes.
type clone struct {
	t      *testing.T
	folder string
}

func newClone(t *testing.T) clone {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("this test needs git: apt-get install git")
	}
	c := clone{t, t.TempDir()}
	c.run("init", "-q", "-b", "main")
	return c
}

func (c clone) git(args ...string) (string, error) {
	command := exec.Command("git", args...)
	command.Dir = c.folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	meet()
	out, err := command.CombinedOutput()
	meet()
	return string(out), err
}

func (c clone) run(args ...string) string {
	c.t.Helper()
	out, err := c.git(args...)
	if err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (c clone) write(name, content string) {
	c.t.Helper()
	file := filepath.Join(c.folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c clone) commit(message string) string {
	c.t.Helper()
	c.run("add", "-A")
	c.run("commit", "-q", "-m", message, "--allow-empty")
	return c.run("rev-parse", "HEAD")
}

// sources writes files that are worth a difference.
func (c clone) sources(from, to int) {
	c.t.Helper()
	for i := from; i < to; i++ {
		var text strings.Builder
		for line := range 200 {
			_, _ = fmt.Fprintf(&text, "file %d line %d %x\n", i, line, i*line*7919)
		}
		c.write(fmt.Sprintf("src/%d.txt", i), text.String())
	}
}

func (c clone) pushed(s *server, args ...string) string {
	c.t.Helper()
	return c.run(append([]string{"push", s.url}, args...)...)
}

func (c clone) refused(s *server, words string, args ...string) string {
	c.t.Helper()
	before := s.door.count
	out, err := c.git(append([]string{"push", s.url}, args...)...)
	if err == nil {
		c.t.Fatalf("the push went through:\n%s", out)
	}
	if !strings.Contains(out, words) {
		c.t.Errorf("git does not show %q:\n%s", words, out)
	}
	if s.door.count != before {
		c.t.Error("something was deployed")
	}
	return out
}

func TestPush_DeploysTheFilesOfTheCommit(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("Dockerfile", "FROM scratch\n")
	c.write("run.sh", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(c.folder, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run.sh", filepath.Join(c.folder, "link")); err != nil {
		t.Fatal(err)
	}
	c.sources(0, 50)
	id := c.commit("first")
	out := c.pushed(s, "main")
	if !strings.Contains(out, "remote: berth: "+id[:8]+" of main, 53 files") || !strings.Contains(out, "remote: step 1: building") {
		t.Errorf("git shows:\n%s", out)
	}
	if s.door.names["Dockerfile"] != "FROM scratch\n" || s.door.wish.Commit.String() != id || s.door.wish.Branch != "main" || s.door.count != 1 {
		t.Errorf("deployed %v of %+v", s.door.names, s.door.wish)
	}
	if !strings.Contains(s.door.kinds["run.sh"], "x") && s.door.kinds["run.sh"] == s.door.kinds["Dockerfile"] {
		t.Errorf("the program has the mode %s", s.door.kinds["run.sh"])
	}
	if out := c.pushed(s, "main"); !strings.Contains(out, "up-to-date") {
		t.Errorf("the second push of the same says:\n%s", out)
	}
}

func TestPush_TakesThinPacksOverAndOver(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.sources(0, 100)
	c.write("a.txt", "0")
	c.commit("first")
	c.run("gc", "-q", "--aggressive") // differences in the first pack
	c.pushed(s, "main")
	for i := range 5 {
		file := fmt.Sprintf("src/%d.txt", i)
		text, err := os.ReadFile(filepath.Join(c.folder, file))
		if err != nil {
			t.Fatal(err)
		}
		c.write(file, string(text)+"one more line\n")
		c.write("src/0.txt", strings.Repeat("x", i)+string(text))
		c.write("a.txt", fmt.Sprint(i+1))
		c.commit("next")
		c.pushed(s, "main")
		if s.door.names["a.txt"] != fmt.Sprint(i+1) || s.door.count != i+2 {
			t.Fatalf("push %d deployed %q, %d in all", i, s.door.names["a.txt"], s.door.count)
		}
	}
	size := folderBytes(t, filepath.Join(s.folder, Folder, "shop"))
	if whole := folderBytes(t, filepath.Join(c.folder, "src")); size > whole {
		t.Errorf("the repository has %d bytes, and the files %d", size, whole)
	}
}

func folderBytes(t *testing.T, folder string) (size int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

func TestPush_ForceMovesTheBranchBack(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	first := c.commit("first")
	c.write("a.txt", "2")
	c.commit("second")
	c.pushed(s, "main")
	c.run("reset", "-q", "--hard", first)
	c.refused(s, "rejected", "main")
	c.pushed(s, "--force", "main")
	if s.door.names["a.txt"] != "1" {
		t.Errorf("deployed %q", s.door.names["a.txt"])
	}
	c.write("a.txt", "3")
	c.run("add", "-A")
	c.run("commit", "-q", "--amend", "-m", "other")
	c.pushed(s, "--force", "main")
	if s.door.names["a.txt"] != "3" {
		t.Errorf("deployed %q", s.door.names["a.txt"])
	}
}

func TestPush_RefusesOtherBranchesTagsAndDeletes(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	c.run("tag", "v1")
	c.run("tag", "-a", "-m", "a tag", "v2")
	c.refused(s, "v1 is not deployed: this app deploys one branch", "v1")
	c.pushed(s, "main")
	c.run("branch", "other")
	c.refused(s, "other is not deployed: this app deploys the branch main", "other")
	c.refused(s, "is not deployed", "v2")
	c.refused(s, "is not deployed", "main:refs/notes/x")
	c.refused(s, "cannot be deleted", ":main")
	c.refused(s, "", "HEAD:main", "HEAD:other")
	if got := s.ledger.settings["shop"].Branch; got != "main" {
		t.Errorf("the branch is %q", got)
	}
}

func TestPush_AFailedReleaseRefusesTheBranchAndTheNextPushSendsItAgain(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	c.pushed(s, "main")
	s.door.fail = problem.Invalid("The build of release 2 failed.", "Look at its log.")
	c.write("a.txt", "2")
	c.commit("second")
	out := c.refused(s, "[remote rejected] main -> main (The build of release 2 failed.)", "main")
	if !strings.Contains(out, "remote: step 1: building") || !strings.Contains(out, "remote: berth: Look at its log.") {
		t.Errorf("git shows:\n%s", out)
	}
	s.door.fail = nil
	c.pushed(s, "main")
	if s.door.names["a.txt"] != "2" {
		t.Errorf("deployed %q", s.door.names["a.txt"])
	}
}

func TestPush_SaysNothingOfAFaultOfBerthsOwn(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	s.door.fail = errors.New("secret detail")
	if out := c.refused(s, "Something went wrong", "main"); strings.Contains(out, "secret detail") {
		t.Errorf("git shows:\n%s", out)
	}
}

func TestPush_RefusesAPushDuringAPush(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	inside, go1 := make(chan struct{}), make(chan struct{})
	s.door.wait = func() { close(inside); <-go1 }
	first := make(chan error, 1)
	go func() {
		_, err := c.git("push", s.url, "main")
		first <- err
	}()
	<-inside
	s.refusedWhileBusy(c)
	close(go1)
	if err := <-first; err != nil {
		t.Errorf("the first push: %v", err)
	}
}

func (s *server) refusedWhileBusy(c clone) {
	c.t.Helper()
	c.refused(s, "Another push of shop is under way", "main")
}

func TestPush_TakesAShallowClone(t *testing.T) {
	s, c := newServer(t), newClone(t)
	for i := range 5 {
		c.write("a.txt", fmt.Sprint(i))
		c.commit("next")
	}
	shallow := clone{t, t.TempDir()}
	shallow.run("clone", "-q", "--depth", "1", "file://"+c.folder, ".")
	shallow.pushed(s, "main")
	shallow.write("a.txt", "9")
	shallow.commit("last")
	shallow.pushed(s, "main")
	if s.door.names["a.txt"] != "9" {
		t.Errorf("deployed %q", s.door.names["a.txt"])
	}
}

func TestPush_DeploysAFolderOfTheRepository(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("web/app/Dockerfile", "FROM scratch\n")
	c.write("README", "x")
	c.commit("first")
	s.ledger.settings["shop"] = Settings{Branch: "main", Folder: "web/app"}
	c.pushed(s, "main")
	if s.door.names["Dockerfile"] == "" || s.door.names["README"] != "" {
		t.Errorf("deployed %v", s.door.names)
	}
	s.ledger.settings["shop"] = Settings{Branch: "main", Folder: "web/missing"}
	c.write("README", "y")
	c.commit("second")
	c.refused(s, "has no folder web/missing", "main")
}

func TestPush_NamesEverySubmoduleAndPointerAtOnce(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("Dockerfile", "FROM scratch\n")
	c.write("big.bin", "version https://git-lfs.github.com/spec/v1\n"+"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n")
	id := c.commit("first")
	c.run("update-index", "--add", "--cacheinfo", "160000,"+id+",vendor/lib")
	c.run("commit", "-q", "-m", "with a submodule")
	out := c.refused(s, "big.bin: This is a pointer of Git LFS", "main")
	if !strings.Contains(out, "vendor/lib: This is a submodule") {
		t.Errorf("git shows:\n%s", out)
	}
}

func TestPush_GoesOnAfterItsRepositoryWasForgottenOrDamaged(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.sources(0, 20)
	c.write("a.txt", "1")
	c.commit("first")
	c.pushed(s, "main")
	folder := filepath.Join(s.folder, Folder, "shop")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".index") {
			if err := os.Truncate(filepath.Join(folder, entry.Name()), 50); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.write("a.txt", "2")
	c.commit("second")
	c.refused(s, "Push again", "main")
	c.pushed(s, "main")
	if s.door.names["a.txt"] != "2" {
		t.Errorf("deployed %q", s.door.names["a.txt"])
	}
}

func TestPush_OfADeletedAppThatIsMadeAgainIsDeployed(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	c.pushed(s, "main")
	for _, apps := range [][]app.App{nil, {{Name: "shop", CreatedAt: time.Now().Add(time.Minute)}}} {
		s.ledger.setApps(apps)
		s.door.names = nil
		c.pushed(s, "main")
		if s.door.names["a.txt"] != "1" {
			t.Errorf("deployed %v", s.door.names)
		}
	}
}
