package sshpush

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/limit"
	"berth/controller/problem"
)

// waitingKey knows a key whose account may do nothing.
type waitingKey struct{ public []byte }

func (k waitingKey) Verify(_ context.Context, public []byte) (account.Key, account.Account, error) {
	if string(public) != string(k.public) {
		return account.Key{}, account.Account{}, problem.Unauthorized("unknown", "").Because(problem.ErrNotFound)
	}
	return account.Key{}, account.Account{}, problem.Unauthorized("The account ann has a one-time password.", "Choose another one.")
}

func (waitingKey) NoteUse(context.Context, account.Key, netip.Addr) {}

// counted counts the attempts.
type counted struct {
	noLimits
	taken atomic.Int64
}

func (c *counted) Take(context.Context, limit.Class, limit.Subject) (func(), error) {
	c.taken.Add(1)
	return func() {}, nil
}

// stranger has the public half of a key alone.
type stranger struct{ ssh.Signer }

func (s stranger) Sign(random io.Reader, data []byte) (*ssh.Signature, error) {
	signed, err := s.Signer.Sign(random, data)
	signed.Blob[0] ^= 1
	return signed, err
}

func TestServe_TellsOfAnAccountToTheOwnerOfItsKeyAlone(t *testing.T) {
	t.Parallel()
	owner, unknown := anySigner(t), anySigner(t)
	limits := &counted{}
	server := New(Options{HostKey: anySigner(t), Keys: waitingKey{owner.PublicKey().Marshal()}, Limits: limits, Logger: slog.New(slog.DiscardHandler)})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, one := range map[string]struct {
		signer ssh.Signer
		told   bool
		counts int64
	}{
		"the owner":                      {owner, true, 0},
		"a stranger with the public key": {stranger{owner}, false, 0},
		"an unknown key":                 {unknown, false, 1},
	} {
		limits.taken.Store(0)
		near, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{})
		go func() { defer close(served); server.serve(t.Context(), far) }()
		var banner strings.Builder
		_, _, _, err = ssh.NewClientConn(near, "berth", &ssh.ClientConfig{
			User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(one.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
			BannerCallback: func(text string) error { banner.WriteString(text); return nil },
		})
		_ = near.Close()
		<-served
		if told := strings.Contains(banner.String(), "one-time password"); err == nil || told != one.told || limits.taken.Load() != one.counts {
			t.Errorf("%s: %v, told %q, counted %d", name, err, banner.String(), limits.taken.Load())
		}
	}
}
