//go:build integration

package router

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/webhook/inbox"
	"berth/test/claim"
	"berth/test/patience"
	"berth/traefik"
)

// gitea is a real Gitea with the user ann.
type gitea struct {
	t      *testing.T
	url    string
	token  string // of ann, for all that the test does
	roots  *x509.CertPool
	client *http.Client
	folder string
}

// startGitea runs a Gitea of scripts/forge-tools until the test ends.
func startGitea(t *testing.T) *gitea {
	t.Helper()
	program, err := filepath.Abs("../.cache/bin/gitea")
	if err != nil {
		t.Fatal(err)
	}
	templates, err := os.ReadFile(program + ".root")
	if err != nil {
		t.Fatalf("scripts/forge-tools builds Gitea: %v", err)
	}
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	g := &gitea{t: t, url: "https://127.0.0.1:" + ports[0], folder: t.TempDir()}
	g.writeSettings(ports[0], strings.TrimSpace(string(templates)))
	g.run(program, "migrate")
	g.run(program, "admin", "user", "create", "--username", "ann", "--password", "correct horse 7 battery", "--email", "ann@example.com", "--must-change-password=false")
	g.token = g.run(program, "admin", "user", "generate-access-token", "--username", "ann", "--raw", "--token-name", "test", "--scopes", "write:repository,write:user")
	web := g.command(program, "web")
	var output bytes.Buffer
	web.Stdout, web.Stderr = &output, &output
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = web.Process.Kill()
		_ = web.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	answers := patience.Eventually(30*time.Second, func() bool {
		answer, err := g.client.Get(g.url + "/api/v1/version")
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.StatusCode == http.StatusOK
	})
	if !answers {
		t.Fatal("Gitea does not answer")
	}
	return g
}

// writeSettings gives Gitea a certificate of the tests, and lets its webhooks reach this machine.
func (g *gitea) writeSettings(port, templates string) {
	g.t.Helper()
	pair := httptest.NewTLSServer(http.NotFoundHandler())
	pair.Close()
	key, err := x509.MarshalPKCS8PrivateKey(pair.TLS.Certificates[0].PrivateKey)
	if err != nil {
		g.t.Fatal(err)
	}
	g.roots = x509.NewCertPool()
	g.roots.AddCert(pair.Certificate())
	g.client = pair.Client()
	me, err := user.Current()
	if err != nil {
		g.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate().Raw})),
		"key.pem":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"app.ini": fmt.Sprintf(`RUN_USER = %[1]s
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[2]s
[server]
PROTOCOL = https
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]s
ROOT_URL = %[4]s/
CERT_FILE = %[2]s/cert.pem
KEY_FILE = %[2]s/key.pem
STATIC_ROOT_PATH = %[5]s
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
SECRET_KEY = a secret of the test
[webhook]
ALLOWED_HOST_LIST = loopback
SKIP_TLS_VERIFY = true
[actions]
ENABLED = false
[log]
LEVEL = Warn
`, me.Username, g.folder, port, g.url, templates),
	} {
		if err := os.WriteFile(filepath.Join(g.folder, name), []byte(text), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
}

func (g *gitea) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Dir = g.folder
	command.Env = append(os.Environ(), "GITEA_WORK_DIR="+g.folder, "GITEA_CUSTOM="+g.folder, "HOME="+g.folder, "GIT_CONFIG_NOSYSTEM=1", "GIT_SSL_NO_VERIFY=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if filepath.Base(program) == "gitea" {
		command.Args = append(command.Args, "--config", filepath.Join(g.folder, "app.ini"))
	}
	return command
}

func (g *gitea) run(program string, args ...string) string {
	g.t.Helper()
	command := g.command(program, args...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		g.t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, out, said.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n") // Gitea's log comes first
	return lines[len(lines)-1]
}

// api asks Gitea's API for ann, and reads the answer into what is asked for.
func (g *gitea) api(method, path string, body, into any) {
	g.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(g.t.Context(), method, g.url+"/api/v1"+path, bytes.NewReader(sent))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+g.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := g.client.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		g.t.Fatalf("%s %s: %d %s, %v", method, path, answer.StatusCode, text, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(text, into); err != nil {
		g.t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
}

// push commits a Dockerfile and pushes it to a branch. It returns the commit.
func (g *gitea) push(branch, line string) string {
	g.t.Helper()
	work := filepath.Join(g.folder, "work")
	if _, err := os.Stat(work); err != nil {
		g.run("git", "init", "-q", "-b", "main", work)
	}
	if err := os.WriteFile(filepath.Join(work, "Dockerfile"), []byte("FROM scratch\n# "+line+"\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.run("git", "-C", work, "add", "-A")
	g.run("git", "-C", work, "commit", "-q", "-m", line)
	g.run("git", "-C", work, "push", "-q", strings.Replace(g.url, "https://", "https://ann:"+g.token+"@", 1)+"/ann/shop.git", "HEAD:refs/heads/"+branch)
	return g.run("git", "-C", work, "rev-parse", "HEAD")
}

// status is what Gitea shows beside a commit.
type giteaStatus struct {
	Status      string `json:"status"`
	Context     string `json:"context"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url"`
}

// statuses are those of a commit, the oldest first.
func (g *gitea) statuses(commit string) (all []giteaStatus) {
	g.t.Helper()
	g.api(http.MethodGet, "/repos/ann/shop/commits/"+commit+"/statuses?sort=oldest", nil, &all)
	return all
}

// forge is an admin app whose app hello is deployed by a real Gitea, on a real ledger. The
// test itself takes the releases to their ends.
type forge struct {
	*hookSite
	host   *gitea
	ledger *store.Store
	inbox  *inbox.Inbox

	mu       sync.Mutex
	deployed []string // commits
}

// deploy reads the files of a release, and makes its row.
func (f *forge) deploy(ctx context.Context, wish inbox.Wish) (int64, error) {
	text, err := io.ReadAll(wish.Archive)
	if err != nil {
		return 0, err
	}
	at := filepath.Join(f.host.folder, "shop.tar.gz")
	if err := os.WriteFile(at, text, 0o600); err != nil {
		return 0, err
	}
	tree, err := archive.Open(at, archive.DefaultLimits())
	if err != nil {
		return 0, err
	}
	defer func() { _ = tree.Close() }()
	release, err := f.ledger.CreateRelease(ctx, app.Release{
		ReleaseID: app.ReleaseID{App: wish.App}, Cause: app.CauseUpload, Archive: "shop.tar.gz", CreatedBy: "webhook", CreatedAt: time.Now(),
	})
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deployed = append(f.deployed, wish.Commit.String())
	return release.Number, nil
}

func (f *forge) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.deployed)
}

// history waits for so many deliveries, and returns them, the newest first.
func (f *forge) history(want int) []inbox.Delivery {
	f.t.Helper()
	var all []inbox.Delivery
	found := patience.Eventually(30*time.Second, func() bool {
		var err error
		if all, err = f.inbox.Deliveries(f.t.Context(), "hello"); err != nil {
			f.t.Fatal(err)
		}
		return len(all) >= want
	})
	if !found {
		f.t.Fatalf("there are %d deliveries: %+v\nthe admin app says %s", len(all), all, f.logged)
	}
	return all
}

// newForge makes the repository at Gitea, and the webhook at Berth.
func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{host: startGitea(t), ledger: freshLedger(t)}
	shop := app.App{Name: "hello", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now(), Routes: []traefik.Route{{Path: "/hello"}}}
	first, err := f.ledger.CreateApp(t.Context(), shop, app.Release{Cause: app.CauseUpload, Archive: "a.zip", CreatedBy: "ann", CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ledger.Promote(t.Context(), first.ReleaseID, time.Now()); err != nil {
		t.Fatal(err)
	}
	remotes, err := remote.New(remote.Options{DataFolder: t.TempDir(), Dial: new(net.Dialer).DialContext, Roots: f.host.roots, NoRoom: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.DeriveKey("a root key of tests, 32 characters or more")
	if err != nil {
		t.Fatal(err)
	}
	f.inbox = inbox.New(inbox.Options{
		Ledger: f.ledger, Remotes: remotes, Deploy: f.deploy, Key: key, Stack: "berth", BaseURL: "https://" + adminHost, Logger: slog.New(slog.DiscardHandler),
	})
	f.hookSite = &hookSite{site: newSite(t, func(o *Options) { o.Webhooks, o.AdminHosts = f.inbox, []string{"127.0.0.1"} })}
	f.anApp("hello")

	f.host.api(http.MethodPost, "/user/repos", map[string]any{"name": "shop", "private": true, "default_branch": "main"}, nil)
	wish, err := json.Marshal(map[string]any{"on": true, "repository": f.host.url + "/ann/shop.git", "token": f.host.token, "status_token": f.host.token})
	if err != nil {
		t.Fatal(err)
	}
	answer := f.bearer(deployToken, http.MethodPatch, hookRow, string(wish))
	var shown webhookJSON
	if err := json.Unmarshal([]byte(answer.body), &shown); err != nil || shown.Secret == "" {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	f.path, f.hookedBy = shown.Address[strings.Index(shown.Address, webhookPath):], shown.Secret
	return f
}

// hookWith makes the webhook at Gitea with a secret. It returns its place in the API.
func (f *forge) hookWith(secret string) string {
	f.t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	f.host.api(http.MethodPost, "/repos/ann/shop/hooks", map[string]any{
		"type": "gitea", "active": true, "events": []string{"push"},
		"config": map[string]string{"url": "https://" + f.server.Listener.Addr().String() + f.path, "content_type": "json", "secret": secret},
	}, &made)
	return fmt.Sprintf("/repos/ann/shop/hooks/%d", made.ID)
}

func TestWebhook_ARealGiteaDeploysAndShowsWhatBecameOfIt(t *testing.T) {
	f := newForge(t)
	hook := f.hookWith(f.hookedBy)
	report := func() {
		if err := f.inbox.Report(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := f.host.push("main", "one")
	if all := f.history(1); all[0].Result != inbox.Deployed || all[0].Provider != "gitea" || all[0].Release != 2 || f.deployed[0] != first {
		t.Fatalf("the history is %+v, deployed %v, pushed %s", all, f.deployed, first)
	}
	report()
	if got := f.host.statuses(first); len(got) != 1 || got[0] != (giteaStatus{"pending", "berth/hello", "Release 2 is being deployed.", "https://" + adminHost + "/admin/apps/hello/releases/2"}) {
		t.Fatalf("Gitea shows %+v", got)
	}
	if _, err := f.ledger.Promote(t.Context(), app.ReleaseID{App: "hello", Number: 2}, time.Now()); err != nil {
		t.Fatal(err)
	}
	report()
	report()
	if got := f.host.statuses(first); len(got) != 2 || got[1].Status != "success" {
		t.Fatalf("Gitea shows %+v", got)
	}

	f.host.push("next", "two") // another branch
	if all := f.history(2); all[0].Result != inbox.Ignored {
		t.Errorf("the history is %+v", all)
	}
	third := f.host.push("main", "three")
	f.history(3)
	if err := f.ledger.Finish(t.Context(), app.ReleaseID{App: "hello", Number: 3}, app.ReleaseFailed, "The build failed.", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	report()
	if got := f.host.statuses(third); len(got) != 1 || got[0].Status != "failure" || got[0].Description != "Release 3 failed." {
		t.Errorf("Gitea shows %+v", got)
	}

	// The secret at the git host is wrong: the push deploys nothing, and a fetch does.
	f.host.api(http.MethodDelete, hook, nil, nil)
	f.hookWith("wrong")
	fourth := f.host.push("main", "four")
	if all := f.history(4); all[0].Result != inbox.Refused || !strings.Contains(all[0].Reason, "does not fit the secret") || f.count() != 2 {
		t.Fatalf("the history is %+v, deployed %v", all, f.deployed)
	}
	answer := f.bearer(deployToken, http.MethodPost, hookRow+"/fetch", "")
	if answer.StatusCode != http.StatusAccepted || !strings.Contains(answer.body, `"release":4`) || f.deployed[2] != fourth {
		t.Fatalf("%d %s, deployed %v", answer.StatusCode, answer.body, f.deployed)
	}
	report()
	if got := f.host.statuses(fourth); len(got) != 1 || got[0].Status != "pending" {
		t.Errorf("Gitea shows %+v", got)
	}

	// A token that Gitea does not know shows in words, and changes nothing of the release.
	wish := `{"status_token": "0123456789abcdef0123456789abcdef01234567"}`
	if answer := f.bearer(deployToken, http.MethodPatch, hookRow, wish); answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if _, err := f.ledger.Promote(t.Context(), app.ReleaseID{App: "hello", Number: 4}, time.Now()); err != nil {
		t.Fatal(err)
	}
	report()
	f.signIn()
	mustContain(t, f.get("/admin/apps/hello/settings").body, "401 Unauthorized", "Check that the token for statuses is valid")
}
