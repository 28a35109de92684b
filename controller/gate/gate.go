// Package gate stands in front of the proxy: it bounds connections by address and in
// all, waits for the head of the first request, and passes them on with the client's
// address.
package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/connections"
)

// The limits. One connection costs the gate about 16 KB, and the proxy, where it got
// so far, about 80 KB.
const (
	totalConnections  = 4096
	addressLimit      = 256
	sharedConnections = 3072 // of the machine's own address, or a trusted proxy's: many come from it
	evictionGrace     = 5 * time.Second

	// streamsWeight is what a connection counts for that may carry many requests at once.
	// The proxy takes 64 of them on each: an address has 4,096 requests under way at most.
	streamsWeight = 4

	drainTimeout = 8 * time.Second // below the ten seconds that the engine gives a container
)

// Times are how long a client may take. The zero value of each is the default.
type Times struct {
	Opening   time.Duration // for the head of the first request, or TLS's hello
	Handshake time.Duration // for what a client says after its hello
	Unasked   time.Duration // for the first request behind a handshake
	Answer    time.Duration // of the proxy, for the first request
	Still     time.Duration // that an answer may be left lying
	Reach     time.Duration // until the proxy, which may be starting, takes the connection
}

func (t Times) complete() Times {
	for value, usual := range map[*time.Duration]time.Duration{
		&t.Opening: 10 * time.Second, &t.Handshake: 10 * time.Second, &t.Unasked: time.Minute,
		&t.Answer: 10 * time.Minute, &t.Still: 2 * time.Minute, &t.Reach: 10 * time.Second,
	} {
		if *value == 0 {
			*value = usual
		}
	}
	return t
}

// Door is one way in, and where it leads.
type Door struct {
	Listener net.Listener // of TCP
	Proxy    string       // address and port of the proxy's entry point
	Proxied  string       // the same for what comes from a trusted proxy; empty: the same one
	Secure   bool         // TLS begins at once
}

// Options say what the gate stands between.
type Options struct {
	Doors   []Door
	Machine netip.Addr // this machine on the gate's network: whoever a published port hides
	Trust   *Trust     // the proxies in front; nil: none
	Times   Times
	Limit   connections.Limit // the zero value is the default
	Logger  *slog.Logger
}

// Gate passes connections on.
type Gate struct {
	doors  []Door
	times  Times
	crowd  *connections.Crowd
	trust  *Trust
	weight int // of a connection that may carry many requests at once
	tally  *tally
	logger *slog.Logger
	under  sync.WaitGroup // the passages
}

// New returns a gate that does nothing yet.
func New(o Options) *Gate {
	if o.Limit == (connections.Limit{}) {
		o.Limit = connections.Limit{
			Total: totalConnections, PerAddress: addressLimit,
			Shared: o.Machine, SharedLimit: sharedConnections, Grace: evictionGrace,
		}
	}
	g := &Gate{
		doors: o.Doors, times: o.Times.complete(), crowd: connections.NewCrowd(o.Limit), weight: streamsWeight,
		tally: new(tally), logger: o.Logger, trust: o.Trust,
	}
	g.crowd.Refused, g.crowd.Shares = g.tally.refuse, o.Trust.Has
	return g
}

// Run passes connections on until ctx ends; then it takes no new one, and gives
// those that are open some seconds to end.
func (g *Gate) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	passages, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	for _, door := range g.doors {
		context.AfterFunc(ctx, func() { _ = door.Listener.Close() })
		group.Go(func() error { return g.take(ctx, passages, door) })
	}
	group.Go(func() error { return g.tally.Run(ctx, g.logger) })
	err := group.Wait()
	g.drain()
	return err
}

func (g *Gate) take(ctx, passages context.Context, door Door) error {
	listener := g.crowd.Listen(door.Listener)
	for {
		connection, err := listener.Accept()
		switch {
		case err == nil:
			g.under.Go(func() { g.pass(passages, connection, door) })
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the listener was closed because of the stop
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("take connections: %w", err)
		default: // no file descriptor is free, or the client is gone already
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// drain waits for the open connections, and closes those that do not end.
func (g *Gate) drain() {
	timer := time.AfterFunc(drainTimeout, func() {
		g.crowd.Each(func(c *connections.Conn) { _ = c.Close() })
	})
	defer timer.Stop()
	g.under.Wait()
}
