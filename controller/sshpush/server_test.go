package sshpush

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/limit"
	"berth/controller/problem"
)

// oneKey knows one key.
type oneKey struct{ public []byte }

func (k oneKey) Verify(_ context.Context, public []byte) (account.Key, account.Account, error) {
	if string(public) != string(k.public) {
		return account.Key{}, account.Account{}, problem.Unauthorized("unknown", "").Because(problem.ErrNotFound)
	}
	return account.Key{ID: 1, Name: "laptop", Public: public}, account.Account{}, nil
}

func (oneKey) NoteUse(context.Context, account.Key, netip.Addr) {}

// noLimits lets everybody try.
type noLimits struct{}

func (noLimits) Room(context.Context, limit.Class, limit.Subject) (limit.Room, error) {
	return limit.Room{Left: 1}, nil
}

func (noLimits) Take(context.Context, limit.Class, limit.Subject) (func(), error) {
	return func() {}, nil
}

// running is a server with short times.
type running struct {
	t       *testing.T
	address string
	signer  ssh.Signer
}

func start(t *testing.T, receive func(context.Context, Push) bool) *running {
	t.Helper()
	host, err := OpenHostKey(filepath.Join(t.TempDir(), "ssh.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := New(Options{
		HostKey: host, Keys: oneKey{signer.PublicKey().Marshal()}, Limits: noLimits{}, Receive: receive, Logger: slog.New(slog.DiscardHandler),
	})
	server.times = times{handshake: 300 * time.Millisecond, command: 300 * time.Millisecond, still: 300 * time.Millisecond, end: 100 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &running{t: t, address: listener.Addr().String(), signer: signer}
}

func (r *running) dial() *ssh.Client {
	r.t.Helper()
	client, err := ssh.Dial("tcp", r.address, &ssh.ClientConfig{
		User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(r.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = client.Close() })
	return client
}

// isClosed waits for the server to end a connection.
func (r *running) isClosed(what string, connection net.Conn) {
	r.t.Helper()
	_ = connection.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, connection); errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Errorf("%s: the connection stays open", what)
	}
}

func TestServe_EndsConnectionsThatSayNothing(t *testing.T) {
	t.Parallel()
	r := start(t, func(context.Context, Push) bool { return true })
	silent, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r.isClosed("no byte", silent)
	half, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if _, err := half.Write([]byte("SSH-2.0-x\r\n")); err != nil {
		t.Fatal(err)
	}
	r.isClosed("a version alone", half)
	for name, begin := range map[string]func(*ssh.Client){
		"no session": func(*ssh.Client) {},
		"no command": func(c *ssh.Client) { _, _ = c.NewSession() },
		"environment alone": func(c *ssh.Client) {
			session, err := c.NewSession()
			if err == nil && session.Setenv("A", "b") == nil {
				t.Error("the environment was taken")
			}
		},
	} {
		client := r.dial()
		begin(client)
		ended := make(chan struct{})
		go func() { _ = client.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the connection stays open", name)
		}
	}
}

func TestServe_EndsAPushWhoseClientReadsNothingOrLeaves(t *testing.T) {
	t.Parallel()
	written, left := make(chan error, 1), make(chan struct{})
	r := start(t, func(ctx context.Context, push Push) bool {
		if push.App == "leaves" {
			<-ctx.Done()
			close(left)
			return false
		}
		var err error
		for err == nil {
			_, err = push.Out.Write(make([]byte, 1<<20))
		}
		written <- err
		return false
	})
	session, err := r.dial().NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := session.Start("git-receive-pack 'full.git'"); err != nil {
		t.Fatal(err)
	}
	client := r.dial()
	session, err = client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("git-receive-pack 'leaves.git'"); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	for name, ended := range map[string]func() bool{
		"a full line":   func() bool { return <-written != nil },
		"a client gone": func() bool { <-left; return true },
	} {
		done := make(chan bool, 1)
		go func() { done <- ended() }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the push goes on", name)
		}
	}
}

func TestServe_BoundsTheConnectionsOfAnAddress(t *testing.T) {
	t.Parallel()
	server := New(Options{HostKey: anySigner(t), Logger: slog.New(slog.DiscardHandler)})
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	many := &crowdOf{left: mostOfAnAddress + 1, conn: near}
	listener := server.crowd.Listen(many)
	for range mostOfAnAddress {
		if _, err := listener.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := listener.Accept(); !errors.Is(err, io.EOF) || many.closed != 1 {
		t.Errorf("%v, %d were closed", err, many.closed)
	}
}

func TestServe_AProgrammersErrorEndsOnePushAlone(t *testing.T) {
	t.Parallel()
	r := start(t, func(_ context.Context, push Push) bool {
		if push.App == "bad" {
			panic("a mistake")
		}
		return true
	})
	for command, good := range map[string]bool{"git-receive-pack 'bad.git'": false, "git-receive-pack 'good.git'": true} {
		session, err := r.dial().NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Run(command); (err == nil) != good {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func TestServe_OffersModernAlgorithmsAlone(t *testing.T) {
	t.Parallel()
	r := start(t, func(context.Context, Push) bool { return true })
	for name, config := range map[string]ssh.Config{
		"sha1 for keys":  {KeyExchanges: []string{ssh.InsecureKeyExchangeDH14SHA1}},
		"group 14":       {KeyExchanges: []string{ssh.KeyExchangeDH14SHA256}},
		"cbc":            {Ciphers: []string{ssh.InsecureCipherAES128CBC}},
		"rc4":            {Ciphers: []string{ssh.InsecureCipherRC4128}},
		"sha1 for sums":  {Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA1}},
		"sums too early": {Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA256}},
	} {
		_, err := ssh.Dial("tcp", r.address, &ssh.ClientConfig{
			Config: config, User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(r.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if negotiated, refused := errors.AsType[*ssh.AlgorithmNegotiationError](err); !refused {
			t.Errorf("%s: %v, %v", name, err, negotiated)
		}
	}
}

func TestParseCommand_TakesPushesOfOneApp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"git-receive-pack 'shop.git'": "shop", "git-receive-pack '/shop.git'": "shop", "git-receive-pack '/git/shop.git'": "shop",
		"git receive-pack 'git/shop.git'": "shop", "git-receive-pack /shop.git": "shop", "git-receive-pack '/shop.git/'": "shop",
	} {
		if got, err := parseCommand(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for text, words := range map[string]string{
		"":                                        "nothing else",
		"bash":                                    "nothing else",
		"git-receive-pack":                        "cannot be the repository",
		"git-receive-pack 'shop'":                 "cannot be the repository",
		"git-receive-pack 'shop.git":              "cannot be the repository",
		"git-receive-pack 'a/shop.git'":           "cannot be the repository",
		"git-receive-pack '../shop.git'":          "cannot be the repository",
		"git-receive-pack 'shop.git' 'more.git'":  "cannot be the repository",
		"git-receive-pack 'shop.git'\nid":         "cannot be the repository",
		"git-receive-pack 'shop.git'; id":         "cannot be the repository",
		"git-upload-pack 'shop.git'":              "gives nothing back",
		"git upload-pack 'shop.git'":              "gives nothing back",
		"x git-receive-pack 'shop.git'":           "nothing else",
		strings.Repeat("git-receive-pack ", 1000): "nothing else",
	} {
		if got, err := parseCommand(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%.60q: %q, %v", text, got, err)
		}
	}
}

func TestOpenHostKey_IsMadeOnceAndRefusedWhereOthersCanReadIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ssh.key")
	first, err := OpenHostKey(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenHostKey(file)
	if err != nil || string(again.PublicKey().Marshal()) != string(first.PublicKey().Marshal()) {
		t.Errorf("the second start: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHostKey(file); !errors.Is(err, ErrHostKeyExposed) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHostKey(file); err == nil {
		t.Error("a damaged key was opened")
	}
}

func anySigner(t *testing.T) ssh.Signer {
	t.Helper()
	signer, err := OpenHostKey(filepath.Join(t.TempDir(), "ssh.key"))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// crowdOf is a listener whose connections all come from one address.
type crowdOf struct {
	left   int
	closed int
	conn   net.Conn
}

type fromAfar struct {
	net.Conn
	crowd *crowdOf
	port  int
}

func (c *crowdOf) Accept() (net.Conn, error) {
	if c.left == 0 {
		return nil, io.EOF
	}
	c.left--
	return &fromAfar{c.conn, c, 1000 + c.left}, nil
}

func (c *crowdOf) Close() error { return nil }

func (c *crowdOf) Addr() net.Addr { return &net.TCPAddr{} }

func (f *fromAfar) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: f.port}
}

func (f *fromAfar) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 22} }

func (f *fromAfar) Close() error {
	f.crowd.closed++
	return nil
}
