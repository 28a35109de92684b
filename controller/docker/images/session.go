package images

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// anonymous tells BuildKit that there are no credentials for a registry. Without
// a session to ask, engines before 2026 refuse to pull even a public base image:
// "no active sessions" (moby/buildkit pull request 6744).
type anonymous struct {
	auth.UnimplementedAuthServer
}

// Register offers the answer to the engine.
func (a anonymous) Register(server *grpc.Server) { auth.RegisterAuthServer(server, a) }

// Credentials returns none; the engine then fetches an anonymous token itself.
func (anonymous) Credentials(context.Context, *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	return &auth.CredentialsResponse{}, nil
}

// openSession opens the channel on which BuildKit asks the client during a
// build. It offers anonymous registry access and what is given: no other files and
// secrets, no keys. The session ends with close.
//
// Its key is its own. BuildKit keeps what sessions of one key have sent, and would take
// a file of the same size and time for one that it has: of another app, or of an
// archive that gives all its files the same time.
func (i *Images) openSession(ctx context.Context, offered ...session.Attachable) (id string, closeSession func(), err error) {
	offer, err := session.NewSession(ctx, rand.Text())
	if err != nil {
		return "", nil, fmt.Errorf("open build session: %w", err)
	}
	for _, attachable := range append(offered, anonymous{}) {
		offer.Allow(attachable)
	}
	dialled := make(chan error, 1)
	ended := make(chan struct{})
	dial := func(ctx context.Context, protocol string, headers map[string][]string) (net.Conn, error) {
		connection, err := i.link.API(ctx).DialHijack(ctx, "/session", protocol, headers)
		dialled <- err
		return connection, err
	}
	go func() {
		defer close(ended)
		_ = offer.Run(ctx, dial) // its only error is dial's
	}()
	if err := <-dialled; err != nil {
		<-ended
		return "", nil, fmt.Errorf("open build session: %w", err)
	}
	return offer.ID(), func() {
		_ = offer.Close()
		<-ended
	}, nil
}
