package router

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller"
	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/sshpush"
	"berth/controller/store"
)

// keyRing is the real keys, over a ledger that is made once somebody asks for one. The
// account 7 is the admin of the fakes.
type keyRing struct {
	t      testing.TB
	once   sync.Once
	ledger *store.Store
	keys   *account.Keys
}

func (k *keyRing) open() *account.Keys {
	k.once.Do(func() {
		k.ledger = freshLedger(k.t)
		for id := int64(0); id < 7; {
			name := fmt.Sprintf("p%d", id+1)
			if id == 6 {
				name = "admin"
			}
			made, err := k.ledger.CreateAccount(context.Background(), account.Account{Name: name, PasswordHash: "x", CreatedAt: time.Now()})
			if err != nil {
				k.t.Error(err)
				break
			}
			id = made.ID
		}
		k.keys = account.NewKeys(k.ledger, slog.New(slog.DiscardHandler))
	})
	return k.keys
}

func (k *keyRing) Add(ctx context.Context, account int64, name, line string) (account.Key, error) {
	return k.open().Add(ctx, account, name, line)
}

func (k *keyRing) List(ctx context.Context) ([]account.Key, error) { return k.open().List(ctx) }

func (k *keyRing) Remove(ctx context.Context, id int64) (account.Key, error) {
	return k.open().Remove(ctx, id)
}

func (k *keyRing) Verify(ctx context.Context, public []byte) (account.Key, account.Account, error) {
	return k.open().Verify(ctx, public)
}

// newKeyPair returns the line of a public key, and the file of its private half.
func newKeyPair(t testing.TB) (line, file string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	shown, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(shown))), file
}

// sshDoor is the SSH server in front of a site, with a key that may push.
type sshDoor struct {
	*site
	repository
	address string
	known   string // file of known hosts
	key     account.Key
	private string // file of its private half
}

func (s *site) sshDoor() *sshDoor {
	s.t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		s.t.Fatal("ssh is not installed: apt-get install openssh-client")
	}
	d := &sshDoor{site: s, repository: s.repository()}
	line, private := newKeyPair(s.t)
	d.private = private
	var err error
	if d.key, err = s.keys.Add(s.t.Context(), 7, "laptop", line); err != nil {
		s.t.Fatal(err)
	}
	folder := s.t.TempDir()
	host, err := sshpush.OpenHostKey(filepath.Join(folder, "ssh.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	d.address = listener.Addr().String()
	_, port, _ := net.SplitHostPort(d.address)
	d.known = filepath.Join(folder, "known_hosts")
	if err := os.WriteFile(d.known, append([]byte("[127.0.0.1]:"+port+" "), ssh.MarshalAuthorizedKey(host.PublicKey())...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	server := sshpush.New(sshpush.Options{
		HostKey: host, Keys: s.keys.open(), Limits: s.limits, Logger: slog.New(slog.NewTextHandler(s.logged, nil)),
		Receive: ReceiveSSH(s.server.Config.Handler, adminHost),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	return d
}

// client is the command of ssh that uses a private key and no settings of this machine.
func (d *sshDoor) client(private string) []string {
	return []string{
		"ssh", "-F", "/dev/null", "-i", private, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "UserKnownHostsFile=" + d.known, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
	}
}

// pushAs pushes with a private key.
func (d *sshDoor) pushAs(private, path string, refs ...string) (string, error) {
	return d.git(append([]string{"-c", "core.sshCommand=" + strings.Join(d.client(private), " "), "push", "ssh://git@" + d.address + path}, refs...)...)
}

// runAs runs a command of the server, or asks for a shell.
func (d *sshDoor) runAs(private string, extra ...string) (string, error) {
	host, port, _ := net.SplitHostPort(d.address)
	args := append(append(d.client(private)[1:], "-p", port), extra...)
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "HOST", "git@"+host)
	}
	command := exec.Command("ssh", args...)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestGitOverSSH_PushDeploysAndShowsTheLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	out, err := d.pushAs(d.private, "/hello.git", "main")
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, s.logged)
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
	if len(entries) != 1 || !entries[0].Success || entries[0].Resource != "app hello" || entries[0].Account != "admin" ||
		entries[0].Address != "127.0.0.1" || !strings.Contains(entries[0].Detail, "git push of ") || !strings.Contains(entries[0].Detail, "by the SSH key laptop") {
		t.Errorf("audited %+v", entries)
	}
	if keys, err := s.keys.List(t.Context()); err != nil || len(keys) != 1 || keys[0].UsedAt.IsZero() || keys[0].UsedFrom != "127.0.0.1" {
		t.Errorf("the use is kept as %+v, %v", keys, err)
	}
	if out, err := d.pushAs(d.private, "/git/hello.git", "main"); err != nil || !strings.Contains(out, "Everything up-to-date") {
		t.Errorf("the second push: %v\n%s", err, out)
	}
	if entries := s.recorded(audit.ActionAppUpdate); len(entries) != 1 {
		t.Errorf("a push of nothing is audited: %+v", entries)
	}
}

func TestGitOverSSH_ShowsTheAddressesThatGitWrites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	host, port, _ := net.SplitHostPort(d.address)
	for i, path := range []string{"hello.git", "/hello.git", "git/hello.git", "/git/hello.git/"} {
		d.commit(strings.Repeat("x", i+2))
		out, err := d.git("-c", "core.sshCommand="+strings.Join(d.client(d.private), " ")+" -p "+port, "push", "git@"+host+":"+path, "main")
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

func TestGitOverSSH_AFailedReleaseFailsThePush(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseFailed)
	d := s.sshDoor()
	out, err := d.pushAs(d.private, "/hello.git", "main")
	if exit, ended := errors.AsType[*exec.ExitError](err); !ended || exit.ExitCode() != 1 || !strings.Contains(out, "[remote rejected] main -> main (Release 9 failed: The build failed.)") || !strings.Contains(out, "remote: berth: Look at line 2.") {
		t.Errorf("%v\n%s", err, out)
	}
	if entries := s.recorded(audit.ActionAppUpdate); len(entries) != 1 || entries[0].Success {
		t.Errorf("audited %+v", entries)
	}
}

func TestGitOverSSH_AFirstPushCreatesTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	if out, err := d.pushAs(d.private, "/fresh.git", "main"); err == nil || !strings.Contains(strings.Join(s.apps.called(), "\n"), "accept fresh /fresh") {
		t.Errorf("%v, called %v\n%s", err, s.apps.called(), out) // the fake knows no app afterwards
	}
}

func TestGitOverSSH_OneBranchDeploysAndForceGoesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	d.commit("second")
	if out, err := d.pushAs(d.private, "/hello.git", "main"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := d.pushAs(d.private, "/hello.git", "main:other"); err == nil || !strings.Contains(out, "this app deploys the branch main") {
		t.Errorf("another branch: %v\n%s", err, out)
	}
	if out, err := d.pushAs(d.private, "/hello.git", ":main"); err == nil || !strings.Contains(out, "cannot be deleted here") {
		t.Errorf("a deletion: %v\n%s", err, out)
	}
	d.must("reset", "-q", "--hard", "HEAD~1")
	if out, err := d.pushAs(d.private, "/hello.git", "main"); err == nil {
		t.Errorf("an older commit without force: %s", out)
	}
	if out, err := d.pushAs(d.private, "/hello.git", "+main"); err != nil {
		t.Errorf("force: %v\n%s", err, out)
	}
}

func TestGitOverSSH_LetsInNoKeyThatDoesNotHold(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.Limits = openLimits(t, freshLedger(t), time.Now, manyRequests)
	})
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	_, unknown := newKeyPair(t)
	if out, err := d.pushAs(unknown, "/hello.git", "main"); err == nil || !strings.Contains(out, "Permission denied (publickey)") {
		t.Errorf("an unknown key: %v\n%s", err, out)
	}
	if _, err := s.keys.ledger.Tokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.keys.ledger.UpdatePassword(t.Context(), 7, "y", true); err != nil {
		t.Fatal(err)
	}
	if out, err := d.pushAs(d.private, "/hello.git", "main"); err == nil || !strings.Contains(out, "The account admin has a one-time password.") {
		t.Errorf("an account with a one-time password: %v\n%s", err, out)
	}
	if err := s.keys.ledger.UpdatePassword(t.Context(), 7, "y", false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.keys.Remove(t.Context(), d.key.ID); err != nil {
		t.Fatal(err)
	}
	if out, err := d.pushAs(d.private, "/hello.git", "main"); err == nil || !strings.Contains(out, "Permission denied (publickey)") {
		t.Errorf("a removed key: %v\n%s", err, out)
	}
	line, private := newKeyPair(t)
	if _, err := s.keys.Add(t.Context(), 3, "p3", line); err != nil {
		t.Fatal(err)
	}
	if out, err := d.pushAs(private, "/hello.git", "main"); err != nil {
		t.Errorf("the key of another account: %v\n%s", err, out)
	}
	if err := s.keys.ledger.DeleteAccount(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if out, err := d.pushAs(private, "/hello.git", "main"); err == nil || !strings.Contains(out, "Permission denied (publickey)") {
		t.Errorf("the key of a deleted account: %v\n%s", err, out)
	}
	if called := s.apps.called(); strings.Count(strings.Join(called, "\n"), "update") != 1 {
		t.Errorf("called %v", called)
	}
}

func TestGitOverSSH_AKeyThatIsRemovedMeanwhileEndsThePush(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	key := account.Key{ID: 1, Public: []byte("gone")}
	var out, notes strings.Builder
	receive := ReceiveSSH(s.server.Config.Handler, adminHost)
	done := receive(t.Context(), sshpush.Push{
		Key: key, From: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, App: "hello", In: strings.NewReader("0000"), Out: &out, Notes: &notes,
	})
	if done || !strings.Contains(out.String(), "ERR This SSH key is unknown here.") {
		t.Errorf("%v, %q, %q", done, out.String(), notes.String())
	}
}

func TestGitOverSSH_RefusesAllButPushes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	d := s.sshDoor()
	for name, test := range map[string]struct {
		args  []string
		words string
	}{
		"a shell":            {[]string{"-T", "HOST"}, "Berth takes pushes of git over SSH, and nothing else."},
		"a terminal":         {[]string{"-tt", "HOST"}, "PTY allocation request failed"},
		"a command":          {[]string{"HOST", "id"}, "Berth takes pushes of git over SSH, and nothing else."},
		"two commands":       {[]string{"HOST", "git-receive-pack 'hello.git'; id"}, "This cannot be the repository of an app."},
		"a fetch":            {[]string{"HOST", "git-upload-pack 'hello.git'"}, "Berth takes pushes, and gives nothing back."},
		"an archive":         {[]string{"HOST", "git-upload-archive 'hello.git'"}, "Berth takes pushes, and gives nothing back."},
		"another folder":     {[]string{"HOST", "git-receive-pack '../../etc/passwd.git'"}, "This cannot be the repository of an app."},
		"no name":            {[]string{"HOST", "git-receive-pack 'hello'"}, "This cannot be the repository of an app."},
		"a name in capitals": {[]string{"HOST", "git-receive-pack 'Hello.git'"}, "cannot be the repository of an app"},
		"a question mark":    {[]string{"HOST", "git-receive-pack 'hello.git?a=.git'"}, "cannot be the repository of an app"},
		"a subsystem":        {[]string{"-s", "HOST", "sftp"}, "Berth takes pushes of git over SSH, and nothing else."},
		"forwarding":         {[]string{"-W", "127.0.0.1:22", "HOST"}, "Berth forwards nothing."},
		"remote forwarding":  {[]string{"-N", "-o", "ExitOnForwardFailure=yes", "-R", "9999:127.0.0.1:22", "HOST"}, "remote port forwarding failed"},
	} {
		if out, err := d.runAs(d.private, test.args...); err == nil || !strings.Contains(out, test.words) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if out, err := d.git("-c", "core.sshCommand="+strings.Join(d.client(d.private), " "), "ls-remote", "ssh://git@"+d.address+"/hello.git"); err == nil || !strings.Contains(out, "Berth takes pushes, and gives nothing back.") {
		t.Errorf("ls-remote: %v\n%s", err, out)
	}
	if called := s.apps.called(); len(called) > 0 {
		t.Errorf("called %v", called)
	}
}

func TestGitOverSSH_TakesNoPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.sshDoor()
	for _, way := range []ssh.AuthMethod{
		ssh.Password(deployToken),
		ssh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil }),
	} {
		_, err := ssh.Dial("tcp", d.address, &ssh.ClientConfig{User: "git", Auth: []ssh.AuthMethod{way}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err == nil || !strings.Contains(err.Error(), "unable to authenticate, attempted methods [none], no supported methods remain") {
			t.Errorf("%v", err)
		}
	}
}

func TestGitOverSSH_TooManyWrongKeysEndTheAttempts(t *testing.T) {
	t.Parallel()
	few := maps.Clone(manyRequests)
	few[limit.Login] = limit.Budget{{Requests: 2, Span: time.Hour}}
	s := newSite(t)
	s.limits = openLimits(t, freshLedger(t), time.Now, few)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	_, unknown := newKeyPair(t)
	for range 2 {
		if out, err := d.pushAs(unknown, "/hello.git", "main"); err == nil || strings.Contains(out, "Too many") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for _, private := range []string{unknown, d.private} {
		if out, err := d.pushAs(private, "/hello.git", "main"); err == nil || !strings.Contains(out, "berth: Too many attempts to sign in came from your address. Try again in 1 hour") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestGitOverSSH_OnePushOfAnAppRunsAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.ends(app.ReleaseLive)
	d := s.sshDoor()
	began, end, live := make(chan struct{}), make(chan struct{}), s.apps.onAccept
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		close(began)
		<-end
		return live(u)
	}
	first := make(chan error, 1)
	go func() {
		_, err := d.pushAs(d.private, "/hello.git", "main")
		first <- err
	}()
	<-began
	if out, err := d.pushAs(d.private, "/hello.git", "main"); err == nil || !strings.Contains(out, "Another push of hello is under way.") {
		t.Errorf("%v\n%s", err, out)
	}
	close(end)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

func TestGitOverSSH_RefusesADamagedPackAsHTTPSDoes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	d := s.sshDoor()
	command := strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " refs/heads/main\x00report-status"
	for name, test := range map[string]struct{ sent, words string }{
		"a cut pack": {fmt.Sprintf("%04x%s0000PACK", len(command)+4, command), "ng refs/heads/main The push is damaged"},
		"no packet":  {"hello, world", "berth: The request is not one that git makes."},
		"nothing":    {"", "agent=berth"},
	} {
		out, notes := d.talk(test.sent)
		if !strings.Contains(out+notes, test.words) {
			t.Errorf("%s: %q, %q", name, out, notes)
		}
	}
	if called := s.apps.called(); len(called) > 0 {
		t.Errorf("called %v", called)
	}
}

// talk sends bytes in the place of git, and returns what the server says.
func (d *sshDoor) talk(sent string) (out, notes string) {
	d.t.Helper()
	text, err := os.ReadFile(d.private)
	if err != nil {
		d.t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		d.t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", d.address, &ssh.ClientConfig{User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		d.t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		d.t.Fatal(err)
	}
	var shown, said strings.Builder
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(sent), &shown, &said
	_ = session.Run("git-receive-pack '/hello.git'")
	return shown.String(), said.String()
}

// aKey gives the account of the fakes a key.
func (s *site) aKey() {
	s.t.Helper()
	line, _ := newKeyPair(s.t)
	if _, err := s.keys.Add(s.t.Context(), 7, "laptop", line); err != nil {
		s.t.Fatal(err)
	}
}

// keyWish is the body of a request that adds a key.
func (s *site) keyWish() string {
	s.t.Helper()
	line, _ := newKeyPair(s.t)
	return fmt.Sprintf(`{"key": %q, "name": "laptop"}`, line)
}
