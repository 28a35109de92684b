package gate

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"berth/controller/connections"
	"berth/controller/pause"
)

const (
	reachPause = 100 * time.Millisecond
	leastBytes = 200 // that a request behind a handshake has; the end of the handshake alone has fewer
	leastRate  = 1 << 10
	lookPause  = time.Second
	farewell   = 10 * time.Second // for a client to close after the proxy did

	// unansweredAge makes who has not asked yet give way before who has.
	unansweredAge = time.Hour
)

// passage is one connection with its other half, to the proxy.
type passage struct {
	client *connections.Conn
	near   *net.TCPConn // the client's
	far    *net.TCPConn // the proxy's
	times  Times
	secure bool

	began     time.Time
	asked     atomic.Int64 // bytes from the client after the opening
	lastAsked atomic.Int64 // in nanoseconds
	answered  atomic.Bool
}

// pass takes one connection from its opening to its end.
func (g *Gate) pass(ctx context.Context, connection net.Conn, door Door) {
	defer func() { _ = connection.Close() }()
	counted, isCounted := connection.(*connections.Conn)
	if !isCounted {
		return
	}
	near, isTCP := counted.Conn.(*net.TCPConn)
	if !isTCP {
		return
	}
	began := time.Now()
	counted.Idle(began.Add(-unansweredAge))
	opening, err := readOpening(near, door.Secure, g.times.Opening)
	if err != nil {
		if isTimeout(err) || err == errOpening { //nolint:errorlint // our own, unwrapped
			g.tally.tooSlow(near.RemoteAddr())
			_ = near.SetLinger(0)
		}
		return
	}
	if mayCarryMany(opening, door.Secure) && !counted.Weigh(g.weight) {
		g.tally.refuse(near.RemoteAddr())
		return
	}
	// From here on it costs the proxy something. Where the next one could take its place at
	// once, a flood would have the proxy begin every request of it and end none.
	counted.Idle(time.Now())
	far, err := g.reach(ctx, g.wayOf(door, near))
	if err != nil {
		g.logger.Debug("the proxy does not answer", "error", err)
		return
	}
	defer func() { _ = far.Close() }()
	p := &passage{client: counted, near: near, far: far, times: g.times, secure: door.Secure, began: time.Now()}
	p.lastAsked.Store(p.began.UnixNano())
	if err := p.introduce(opening); err != nil {
		return
	}
	if !p.run() {
		g.tally.tooSlow(near.RemoteAddr())
	}
}

// wayOf is where a connection through the door leads.
func (g *Gate) wayOf(door Door, near *net.TCPConn) string {
	if door.Proxied != "" && g.trust.Has(connections.Address(near.RemoteAddr())) {
		return door.Proxied
	}
	return door.Proxy
}

// reach connects to the proxy, also where it is just starting anew.
func (g *Gate) reach(ctx context.Context, proxy string) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.times.Reach)
	defer cancel()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", proxy)
		if far, isTCP := connection.(*net.TCPConn); err == nil && isTCP {
			return far, nil
		}
		if pause.For(ctx, reachPause) != nil {
			return nil, err
		}
	}
}

// introduce says who the client is, and what it said.
func (p *passage) introduce(opening []byte) error {
	source, destination := portOf(p.near.RemoteAddr()), portOf(p.near.LocalAddr())
	_ = p.far.SetWriteDeadline(time.Now().Add(p.times.Still))
	_, err := p.far.Write(append(proxyHeader(source, destination), opening...))
	return err
}

// run copies both ways until both have ended, or one failed; false where the client
// was too slow.
func (p *passage) run() (intime bool) {
	cut := sync.OnceFunc(func() {
		_ = p.near.SetLinger(0)
		_ = p.near.Close()
		_ = p.far.Close()
	})
	var slow, ended atomic.Bool
	defer ended.Store(true)
	var look func()
	look = func() {
		switch {
		case p.answered.Load() || ended.Load():
		case p.late(time.Now()):
			slow.Store(true)
			cut()
		default:
			time.AfterFunc(lookPause, look)
		}
	}
	time.AfterFunc(lookPause, look)
	var up sync.WaitGroup
	up.Go(func() {
		if err := carry(p.far, p.near, p.times.Answer, p.noteAsked); err != nil {
			cut()
		}
	})
	if err := carry(p.near, p.far, p.times.Still, p.noteAnswered); err != nil {
		cut()
	} else {
		defer time.AfterFunc(farewell, cut).Stop()
	}
	up.Wait()
	return !slow.Load()
}

func (p *passage) noteAsked(bytes int64) {
	now := time.Now()
	p.asked.Add(bytes)
	p.lastAsked.Store(now.UnixNano())
	if p.answered.Load() {
		p.client.Idle(now)
	}
}

// noteAnswered knows an answer from a handshake by what the client has said: less
// than any request has before it has ended the handshake.
func (p *passage) noteAnswered(int64) {
	if p.secure && p.asked.Load() < leastBytes {
		return
	}
	p.answered.Store(true)
	p.client.Idle(time.Now())
}

// late reports whether the client takes too long with its first request: it does not
// go on, or does so in drops.
func (p *passage) late(now time.Time) bool {
	asked, open := p.asked.Load(), now.Sub(p.began)
	silent := now.Sub(time.Unix(0, p.lastAsked.Load()))
	switch {
	case p.secure && asked == 0:
		return open > p.times.Handshake
	case p.secure && asked < leastBytes:
		return open > p.times.Unasked
	case silent > p.times.Opening: // the request is under way in the app
		return silent > p.times.Answer
	default:
		return asked > 0 && open > 2*p.times.Opening && float64(asked) < leastRate*open.Seconds()
	}
}

func portOf(address net.Addr) netip.AddrPort {
	tcp, isTCP := address.(*net.TCPAddr)
	if !isTCP {
		return netip.AddrPort{}
	}
	return tcp.AddrPort()
}
