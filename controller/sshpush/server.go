// Package sshpush takes pushes of git over SSH, and nothing else: there is no shell, no other
// command and no forwarding. What a push is, and whether it may be, others decide.
package sshpush

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/connections"
	"berth/controller/limit"
	"berth/controller/pause"
	"berth/controller/problem"
)

const (
	handshakeTime = 10 * time.Second // until the key of the client is known
	commandTime   = 30 * time.Second // from there to the command
	stillTime     = 30 * time.Second // without a byte that the client takes
	endTime       = 5 * time.Second  // for pushes to end once the server ends
	acceptPause   = 10 * time.Millisecond
	authTries     = 6 // as OpenSSH allows; each key that a client offers is one
)

// Connections of one address, and of one that many share.
const (
	mostConnections      = 128
	mostOfAnAddress      = 8
	mostOfASharedAddress = 64
	serverVersion        = "SSH-2.0-Berth"
	extraKey             = "berth key"
	extraFault           = "berth fault" // of a known key
)

// Keys tells whose a public key is.
type Keys interface {
	// Verify returns a Problem of problem.KindUnauthorized for a key that may do nothing.
	Verify(ctx context.Context, public []byte) (account.Key, account.Account, error)
	NoteUse(ctx context.Context, key account.Key, from netip.Addr)
}

// Limits counts connections that came without a key that may do anything.
type Limits interface {
	Room(context.Context, limit.Class, limit.Subject) (limit.Room, error)
	Take(ctx context.Context, class limit.Class, subject limit.Subject) (refund func(), err error)
}

// Push is a push that is to be received.
type Push struct {
	Key   account.Key
	From  net.Addr
	App   string // as the client wrote it; not checked
	In    io.Reader
	Out   io.Writer // in git's protocol
	Notes io.Writer // for the person
}

// Options are what a Server needs. All fields are required but Shared.
type Options struct {
	HostKey ssh.Signer
	Keys    Keys
	Limits  Limits
	// Receive serves one push, and reports whether all of it was done. Its context ends when
	// the client leaves.
	Receive func(context.Context, Push) bool
	Logger  *slog.Logger
	Shared  netip.Addr // an address that many clients come from, as the engine shows them
}

// Server is the SSH server.
type Server struct {
	o      Options
	config ssh.ServerConfig
	crowd  *connections.Crowd
	times  times
	under  sync.WaitGroup
}

type times struct{ handshake, command, still, end time.Duration }

// New returns a Server. It starts nothing.
func New(o Options) *Server {
	s := &Server{o: o, times: times{handshakeTime, commandTime, stillTime, endTime}}
	s.crowd = connections.NewCrowd(connections.Limit{
		Total: mostConnections, PerAddress: mostOfAnAddress, Shared: o.Shared, SharedLimit: mostOfASharedAddress,
	})
	s.crowd.Shares = netip.Addr.IsLoopback
	s.config = ssh.ServerConfig{
		Config: ssh.Config{
			KeyExchanges: []string{
				ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
			},
			Ciphers: []string{
				ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
			},
			MACs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM},
		},
		PublicKeyAuthAlgorithms: []string{
			ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
		},
		MaxAuthTries:  authTries,
		ServerVersion: serverVersion,
	}
	s.config.AddHostKey(o.HostKey)
	return s
}

// Serve takes connections until ctx ends. Then it lets pushes end for a moment.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	listener = s.crowd.Listen(listener)
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	defer s.drain()
	for {
		connection, err := listener.Accept()
		switch {
		case err == nil:
			s.under.Go(func() { s.serve(ctx, connection) })
		case ctx.Err() != nil:
			return nil // the listener was closed because of the stop
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("take connections of SSH: %w", err)
		default: // no file descriptor is free, or the client is gone already
			time.Sleep(acceptPause)
		}
	}
}

// drain waits for the open connections, and closes those that do not end.
func (s *Server) drain() {
	timer := time.AfterFunc(s.times.end, func() {
		s.crowd.Each(func(c *connections.Conn) { _ = c.Close() })
	})
	defer timer.Stop()
	s.under.Wait()
}

// serve serves one connection, which is for one push.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = raw.Close() }()
	defer s.recoverPanic(ctx)
	_ = raw.SetDeadline(time.Now().Add(s.times.handshake))
	guest := &guest{server: s, ctx: ctx, address: connections.Address(raw.RemoteAddr())}
	config := s.config
	config.PublicKeyCallback, config.VerifiedPublicKeyCallback = guest.offer, guest.prove
	connection, channels, requests, err := ssh.NewServerConn(raw, &config)
	if err != nil {
		guest.fail(err)
		return
	}
	_ = raw.SetDeadline(time.Time{})
	key, known := connection.Permissions.ExtraData[extraKey].(account.Key)
	if !known {
		return // there is no other way in than a key
	}
	go ssh.DiscardRequests(requests) // each is refused
	go func() {
		_ = connection.Wait()
		cancel()
	}()
	one := visit{server: s, ctx: ctx, raw: raw, push: Push{Key: key, From: raw.RemoteAddr()}}
	one.takeSession(channels)
	// The client leaves first: a connection that is closed too soon loses what was sent last.
	_ = pause.For(ctx, s.times.end)
}

// recoverPanic keeps a programmer's error in one push from ending all others.
func (s *Server) recoverPanic(ctx context.Context) {
	if thrown := recover(); thrown != nil {
		s.o.Logger.ErrorContext(ctx, "ssh session panicked", "panic", fmt.Sprint(thrown), "stack", string(debug.Stack()))
	}
}

// guest is a client that has not shown yet who it is.
type guest struct {
	server  *Server
	ctx     context.Context //nolint:containedctx // of one connection; the library's callbacks have none
	address netip.Addr
	refused bool // a key was refused
	full    bool // too many attempts came from this address
	warned  bool
}

var errRefused = errors.New("key refused")

// offer says whether a key may be used. The client has not proved yet that it is theirs.
func (g *guest) offer(_ ssh.ConnMetadata, public ssh.PublicKey) (*ssh.Permissions, error) {
	if err := g.checkRoom(); err != nil {
		return nil, err
	}
	key, _, err := g.server.o.Keys.Verify(g.ctx, public.Marshal())
	if err == nil {
		return &ssh.Permissions{ExtraData: map[any]any{extraKey: key}}, nil
	}
	fault, worded := errors.AsType[*problem.Problem](err)
	if !worded {
		g.server.o.Logger.ErrorContext(g.ctx, "verify an ssh key", "error", err)
		return nil, g.tell(problem.Said(err))
	}
	if errors.Is(err, problem.ErrNotFound) { // a client may have others to offer
		g.refused = true
		return nil, errRefused
	}
	// A public key is public: what is wrong with its account is told to its owner alone.
	return &ssh.Permissions{ExtraData: map[any]any{extraFault: fault}}, nil
}

// checkRoom refuses all keys once too many were wrong.
func (g *guest) checkRoom() error {
	if g.full {
		return errRefused
	}
	room, err := g.server.o.Limits.Room(g.ctx, limit.Login, limit.Address(g.address))
	if err != nil {
		g.server.o.Logger.ErrorContext(g.ctx, "look for room in the limit of sign-ins", "error", err)
		return g.tell("Something went wrong. Berth's log says what.")
	}
	if g.full = room.Left == 0; !g.full {
		return nil
	}
	return g.tell("Too many attempts to sign in came from your address. Try again in " + limit.SpanWords(room.Span) + ".")
}

// tell refuses a key, and shows the reason to the person once.
func (g *guest) tell(reason string) error {
	if g.warned {
		return errRefused
	}
	g.warned = true
	return &ssh.BannerError{Err: errRefused, Message: "berth: " + reason + "\r\n"}
}

// prove notes the use of a key once its owner has signed, or tells them why it may do nothing.
func (g *guest) prove(_ ssh.ConnMetadata, _ ssh.PublicKey, given *ssh.Permissions, _ string) (*ssh.Permissions, error) {
	if fault, refused := given.ExtraData[extraFault].(*problem.Problem); refused {
		return nil, g.tell(problem.Said(fault))
	}
	if key, known := given.ExtraData[extraKey].(account.Key); known {
		g.server.o.Keys.NoteUse(g.ctx, key, g.address)
	}
	return given, nil
}

// fail counts a connection that offered an unknown key, and no other.
func (g *guest) fail(err error) {
	log := g.server.o.Logger
	log.DebugContext(g.ctx, "ssh handshake ended", "address", g.address, "error", err)
	if !g.refused || g.full {
		return
	}
	ctx := context.WithoutCancel(g.ctx)
	log.InfoContext(ctx, "ssh keys refused", "address", g.address)
	_, err = g.server.o.Limits.Take(ctx, limit.Login, limit.Address(g.address))
	if _, exceeded := errors.AsType[*limit.Exceeded](err); err != nil && !exceeded {
		log.ErrorContext(ctx, "count a refused ssh key", "error", err)
	}
}
