package images

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"github.com/moby/buildkit/session"
)

// openSession opens the channel on which BuildKit asks the client during a
// build. It offers the logins of registries and what is given: no other files and
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
	for _, attachable := range append(offered, offeredLogins{images: i}) {
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
