package remote

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/address"
	"berth/controller/problem"
	"berth/controller/secret"
)

// sshHost is a git host over SSH: git's own git-upload-pack behind a server that knows one
// deploy key.
type sshHost struct {
	*host
	address string
	key     ssh.Signer
	deploy  secret.Text
	asked   atomic.Int32 // connections
	ran     atomic.Pointer[string]
	instead func(ssh.Channel) bool // answers in place of git
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newSSHHost(t *testing.T, h *host) *sshHost {
	t.Helper()
	s := &sshHost{host: h, key: newSigner(t)}
	var err error
	if s.deploy, err = NewDeployKey(); err != nil {
		t.Fatal(err)
	}
	public, err := PublicHalf(s.deploy, "berth")
	if err != nil {
		t.Fatal(err)
	}
	known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(known.Marshal()) {
			return nil, fmt.Errorf("who are you?")
		}
		return nil, nil
	}}
	config.AddHostKey(s.key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s.address = listener.Addr().String()
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			s.asked.Add(1)
			go s.serve(raw, config)
		}
	}()
	return s
}

func (s *sshHost) serve(raw net.Conn, config *ssh.ServerConfig) {
	defer raw.Close()
	_, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		var environment []string
		for request := range requests {
			var text struct{ Name, Value string }
			switch request.Type {
			case "env":
				_ = ssh.Unmarshal(request.Payload, &text)
				if !s.old {
					environment = append(environment, text.Name+"="+text.Value)
				}
				_ = request.Reply(!s.old, nil)
			case "exec":
				_ = request.Reply(true, nil)
				var line struct{ Text string }
				_ = ssh.Unmarshal(request.Payload, &line)
				s.ran.Store(&line.Text)
				if s.instead == nil || !s.instead(channel) {
					s.run(channel, line.Text, environment)
				}
				_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
				_ = channel.Close()
			}
		}
	}
}

// run runs a command as a shell of the git host does.
func (s *sshHost) run(channel ssh.Channel, line string, environment []string) {
	command := exec.Command("sh", "-c", line)
	command.Dir = s.folder
	command.Env = append(append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"), environment...)
	in, _ := command.StdinPipe()
	command.Stdout, command.Stderr = channel, channel.Stderr()
	go func() {
		_, _ = io.Copy(in, channel)
		_ = in.Close()
	}()
	_ = command.Run()
}

func (s *sshHost) source(path string) Source {
	s.t.Helper()
	source, err := ParseSource("ssh://git@"+s.address+path, "main", "", "")
	if err != nil {
		s.t.Fatal(err)
	}
	source.DeployKey, source.HostKey = s.deploy, shownKey(s.key.PublicKey())
	return source
}

func (s *sshHost) repository() string { return filepath.Join(s.folder, "shop.git") }

func TestFetchOverSSH_BringsTheFilesOfTheTip(t *testing.T) {
	each(t, func(t *testing.T, h *host) {
		s := newSSHHost(t, h)
		h.write("Dockerfile", "FROM scratch\n")
		h.push("main")
		h.write("web/index.html", "hello")
		want := h.push("main")
		remotes := h.remotes()
		commit, files, err := fetched(t, remotes, s.source(s.repository()))
		if err != nil || commit != want || files["web/index.html"] != "hello" || files["Dockerfile"] == "" {
			t.Errorf("%s, %v, %v", commit, files, err)
		}
		if ran := *s.ran.Load(); ran != "git-upload-pack '"+s.repository()+"'" {
			t.Errorf("it ran %q", ran)
		}
		_, files, err = fetched(t, remotes, func() Source { one := s.source(s.repository()); one.Folder = "web"; return one }())
		if err != nil || len(files) != 1 || files["index.html"] != "hello" {
			t.Errorf("a folder: %v, %v", files, err)
		}
	})
}

func TestTipOverSSH_SaysWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, h *host) {
		s := newSSHHost(t, h)
		h.write("Dockerfile", "FROM scratch\n")
		h.push("main")
		remotes := h.remotes()
		wants(t, remotes, s.source("/nothing.git"), "The git host refuses: ")
		other := s.source(s.repository())
		other.Branch = "other"
		wants(t, remotes, other, "The repository has no branch other")
		stranger := s.source(s.repository())
		stranger.DeployKey, _ = NewDeployKey()
		wants(t, remotes, stranger, "does not accept the deploy key")
		for name, pinned := range map[string]string{"another key": shownKey(newSigner(t).PublicKey()), "none": "", "another kind": "ssh-rsa " + ssh.FingerprintSHA256(s.key.PublicKey())} {
			changed := s.source(s.repository())
			changed.HostKey = pinned
			words := "another key than the accepted one: " + shownKey(s.key.PublicKey())
			if name == "another kind" {
				words = "has no key of the accepted kind, or no algorithm that is safe: it offers ssh-ed25519"
			}
			if _, err := remotes.Tip(t.Context(), changed); problem.KindOf(err) != problem.KindForbidden || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v", name, err)
			}
		}
		bare := s.source(s.repository())
		bare.HostKey = ssh.FingerprintSHA256(s.key.PublicKey())
		if _, err := remotes.Tip(t.Context(), bare); err != nil {
			t.Errorf("a fingerprint without its kind: %v", err)
		}
		s.instead = func(channel ssh.Channel) bool { _, _ = channel.Write([]byte("hello, world")); return true }
		wants(t, remotes, s.source(s.repository()), "is not one of git's")
		s.instead = func(channel ssh.Channel) bool { _, _ = io.Copy(io.Discard, channel); return true }
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := remotes.Tip(ctx, s.source(s.repository())); problem.KindOf(err) != problem.KindUnavailable {
			t.Errorf("a silent host: %v", err)
		}
	})
}

func TestHostKey_IsTheOneThatTheHostShows(t *testing.T) {
	h := newHost(t)
	s := newSSHHost(t, h)
	if key, err := h.remotes().HostKey(t.Context(), s.source("/shop.git")); err != nil || key != shownKey(s.key.PublicKey()) {
		t.Errorf("%q, %v", key, err)
	}
	closed := newRemotes(t, h, address.Dialer(address.Guard{}.Allows).DialContext)
	before := s.asked.Load()
	if _, err := closed.HostKey(t.Context(), s.source("/shop.git")); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("this machine: %v", err)
	}
	if _, err := closed.Tip(t.Context(), s.source("/shop.git")); problem.KindOf(err) != problem.KindForbidden || s.asked.Load() != before {
		t.Errorf("this machine: %v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = silent.Close()
	nobody := s.source("/shop.git")
	nobody.Address = "ssh://git@" + silent.Addr().String() + "/shop.git"
	if _, err := h.remotes().HostKey(t.Context(), nobody); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("nobody there: %v", err)
	}
}

func TestParseSource_ReadsAddressesOverSSH(t *testing.T) {
	for text, want := range map[string]sshPlace{
		"ssh://git@git.example.com/ann/shop.git":      {"git", "git.example.com:22", "/ann/shop.git"},
		"ssh://git@git.example.com:2222/ann/shop.git": {"git", "git.example.com:2222", "/ann/shop.git"},
		"ssh://git.example.com/~ann/shop.git":         {"git", "git.example.com:22", "~ann/shop.git"},
		"ssh://git@[2001:db8::1]:2222/shop.git":       {"git", "[2001:db8::1]:2222", "/shop.git"},
		"git@git.example.com:ann/shop.git/":           {"git", "git.example.com:22", "ann/shop.git"},
		"ann@git.example.com:/srv/my shop.git":        {"ann", "git.example.com:22", "/srv/my shop.git"},
		"git@[2001:db8::1]:shop.git":                  {"git", "[2001:db8::1]:22", "shop.git"},
	} {
		source, err := ParseSource(text, "", "", "")
		if err != nil || !source.OverSSH() {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := parseSSH(source.Address); got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
	for _, text := range []string{
		"ssh://git:password@git.example.com/shop.git", "ssh://git@git.example.com", "ssh://git@git.example.com/", "git@git.example.com:", "git@git.example.com:/",
		"ssh://git@git.example.com/a'b", "git@git.example.com:a'; id; '", "git@git.example.com:a`id`", "git@git.example.com:$HOME", `git@git.example.com:a\b`,
		"git@git.example.com:-u", "ssh://git@git.example.com/a?b", "-oProxyCommand=id@git.example.com:a", "ext::sh -c id", "git@git.example.com:a\nb", "git::git@git.example.com:a",
	} {
		if _, err := ParseSource(text, "", "", ""); problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseSource("git@git.example.com:ann/shop.git", "", "", token); problem.KindOf(err) != problem.KindInvalid || !strings.Contains(err.Error(), "takes no token") {
		t.Errorf("a token over SSH: %v", err)
	}
}

func TestParseHostKey_ReadsFingerprintsAndLinesOfKnownHosts(t *testing.T) {
	key := newSigner(t).PublicKey()
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	for _, text := range []string{shownKey(key), " " + shownKey(key) + "\n", line, "git.example.com " + line, "[git.example.com]:22,192.0.2.1 " + line + " comment", "|1|abc=|def= " + line} {
		if got, err := ParseHostKey(text); err != nil || got != shownKey(key) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if got, err := ParseHostKey(ssh.FingerprintSHA256(key)); err != nil || got != ssh.FingerprintSHA256(key) {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"", "yes", "SHA256:abc", "MD5:00", "ssh-dss " + ssh.FingerprintSHA256(key), "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa " + strings.Fields(line)[1], strings.Repeat("x", longestHostKey+1)} {
		if got, err := ParseHostKey(text); problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%.60q: %q, %v", text, got, err)
		}
	}
}

func FuzzParseSSH(f *testing.F) {
	f.Add("git@git.example.com:ann/shop.git")
	f.Fuzz(func(t *testing.T, text string) {
		if at, is := parseSSH(text); is && (strings.ContainsAny(at.path, "'\\`$\n\"") || strings.HasPrefix(at.path, "-") || at.host == "" || at.user == "") {
			t.Errorf("%q is %+v", text, at)
		}
	})
}
