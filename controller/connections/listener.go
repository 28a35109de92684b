// Package connections bounds how many connections are open at once, by address and in all.
package connections

import (
	"iter"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limit bounds how many connections are open at once. Zero allows none.
type Limit struct {
	Total      int // that all may count for together
	PerAddress int // of one IPv4 address, or one IPv6 network of 64 bits
	// Shared is an address that many may come from, such as the one that the engine
	// shows in the place of theirs. It has SharedLimit in the place of PerAddress.
	Shared      netip.Addr
	SharedLimit int
	// Grace is how long a connection has to be idle before it gives way.
	Grace time.Duration
}

// Crowd is the connections of one or more listeners that share a Limit. A
// connection beyond the limit takes the place of the one that has been idle for
// longest, and is closed at once where none is: whoever holds many connections
// cannot make the others wait, and whoever leaves many behind does not lock out
// the next. Where all together have too many, the address that uses most of what it
// may have gives way, and never one that uses less than the newcomer's.
type Crowd struct {
	limit Limit
	// Refused, where it is set, hears of each connection that was closed for the
	// limit: a new one, or one that gave way. It must not block.
	Refused func(from net.Addr)
	// Shares, where it is set, reports further addresses that many come from, each with
	// the SharedLimit.
	Shares func(netip.Addr) bool

	mu     sync.Mutex
	open   map[string]*Conn // by both ends
	from   map[netip.Prefix]*group
	weight int // what all count for together
}

// group is the connections of one address.
type group struct {
	open   map[*Conn]struct{}
	weight int // what they count for together
	// full is until when none of them gives way, in nanoseconds, unless one becomes idle.
	full atomic.Int64
}

// fullFor is how long a search that found nothing holds. A flood of one address would
// search all of its connections again for each new one, while all others wait for the
// lock.
const fullFor = 5 * time.Millisecond

// NewCrowd returns a Crowd without connections.
func NewCrowd(limit Limit) *Crowd {
	return &Crowd{limit: limit, open: make(map[string]*Conn), from: make(map[netip.Prefix]*group)}
}

// Listen returns a listener whose connections, each a *Conn, count in the crowd.
func (c *Crowd) Listen(listener net.Listener) net.Listener { return &limited{listener, c} }

// Follow is the ConnState hook of a server: it says which connections wait for
// their next request.
func (c *Crowd) Follow(connection net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := c.open[keyOf(connection)]
	switch {
	case counted == nil:
	case state == http.StateIdle:
		counted.Idle(time.Now())
	default:
		counted.Busy()
	}
}

// Each calls visit with every connection, outside of any lock.
func (c *Crowd) Each(visit func(*Conn)) {
	c.mu.Lock()
	all := make([]*Conn, 0, len(c.open))
	for _, connection := range c.open {
		all = append(all, connection)
	}
	c.mu.Unlock()
	for _, connection := range all {
		visit(connection)
	}
}

type limited struct {
	net.Listener
	crowd *Crowd
}

// Accept waits for the next connection that is within the limit.
func (l *limited) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		counted := &Conn{Conn: connection, crowd: l.crowd, from: l.crowd.groupOf(connection.RemoteAddr())}
		counted.leave = sync.OnceFunc(func() { l.crowd.leave(counted) })
		if l.crowd.enter(counted) {
			return counted, nil
		}
		_ = connection.Close()
		l.crowd.refused(connection.RemoteAddr())
	}
}

func (c *Crowd) limitOf(network netip.Prefix) int {
	if c.isShared(network) {
		return c.limit.SharedLimit
	}
	return c.limit.PerAddress
}

func (c *Crowd) isShared(network netip.Prefix) bool {
	address := network.Addr()
	return network.IsSingleIP() && (c.limit.Shared.IsValid() && address == c.limit.Shared || c.Shares != nil && c.Shares(address))
}

// groupOf is the neighbourhood of the address, but for a shared one, which stands alone.
func (c *Crowd) groupOf(remote net.Addr) netip.Prefix {
	address := Address(remote)
	if alone := netip.PrefixFrom(address, address.BitLen()); c.isShared(alone) {
		return alone
	}
	return Neighbourhood(remote)
}

func (c *Crowd) refused(from net.Addr) {
	if c.Refused != nil {
		c.Refused(from)
	}
}

func (c *Crowd) enter(counted *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.makeRoom(counted, 1) {
		return false
	}
	c.open[keyOf(counted)] = counted
	if c.from[counted.from] == nil {
		c.from[counted.from] = &group{open: make(map[*Conn]struct{})}
	}
	counted.group.Store(c.from[counted.from])
	c.from[counted.from].open[counted] = struct{}{}
	c.add(counted, 1)
	return true
}

// makeRoom lets others give way until the connection may count for so many more.
func (c *Crowd) makeRoom(counted *Conn, more int) bool {
	for {
		var place *Conn
		switch its := c.from[counted.from]; {
		case its == nil && more > c.limitOf(counted.from):
		case its != nil && its.weight+more > c.limitOf(counted.from):
			place = c.waitsIn(its, counted)
		case c.weight+more <= c.limit.Total:
			return true
		default:
			place = c.unfairest(counted, more)
		}
		if place == nil {
			return false
		}
		c.remove(place)
		_ = place.Conn.Close() // its own Close finds that it has left
		c.refused(place.RemoteAddr())
	}
}

// waitsIn is the connection of the full address that gives way; nil where none does.
func (c *Crowd) waitsIn(its *group, counted *Conn) *Conn {
	now := time.Now()
	if now.UnixNano() < its.full.Load() {
		return nil
	}
	found := longestIdle(maps.Keys(its.open), counted, c.limit.Grace)
	if found == nil {
		its.full.Store(now.Add(fullFor).UnixNano())
	}
	return found
}

// unfairest is the connection that gives way to one more, which its address would then
// count for: of the address that uses most of its limit, and there of the one that waits
// for longest. nil where the newcomer's address is the one.
func (c *Crowd) unfairest(counted *Conn, more int) *Conn {
	own, its := more, c.from[counted.from]
	if its != nil {
		own += its.weight
	}
	ownShare := c.share(counted.from, own)
	var fullest *group
	most := ownShare
	var equals []*group
	for network, other := range c.from {
		share := c.share(network, other.weight)
		if network == counted.from || share < ownShare {
			continue
		}
		equals = append(equals, other)
		if share > most {
			fullest, most = other, share
		}
	}
	switch {
	case fullest != nil:
		return longestIdle(maps.Keys(fullest.open), counted, 0)
	case its != nil && len(equals) == 0:
		return longestIdle(maps.Keys(its.open), counted, c.limit.Grace)
	}
	var found *Conn
	for _, other := range equals {
		if one := longestIdle(maps.Keys(other.open), counted, c.limit.Grace); one != nil && (found == nil || one.idle.Load() < found.idle.Load()) {
			found = one
		}
	}
	return found
}

// share is how much of its limit an address uses.
func (c *Crowd) share(network netip.Prefix, weight int) float64 {
	return float64(weight) / float64(c.limitOf(network))
}

// longestIdle is another one of those; nil where none is idle for so long.
func longestIdle(among iter.Seq[*Conn], than *Conn, grace time.Duration) *Conn {
	var found *Conn
	longest := time.Now().Add(-grace).UnixNano() + 1
	for other := range among {
		if since := other.idle.Load(); since != 0 && since < longest && other != than {
			found, longest = other, since
		}
	}
	return found
}

func (c *Crowd) add(counted *Conn, weight int) {
	counted.weight += weight
	c.weight += weight
	c.from[counted.from].weight += weight
}

func (c *Crowd) remove(counted *Conn) {
	c.add(counted, -counted.weight)
	delete(c.open, keyOf(counted))
	delete(c.from[counted.from].open, counted)
	if len(c.from[counted.from].open) == 0 {
		delete(c.from, counted.from)
	}
}

func (c *Crowd) leave(counted *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[keyOf(counted)] == counted {
		c.remove(counted)
	}
}

func keyOf(connection net.Conn) string {
	return connection.RemoteAddr().String() + " " + connection.LocalAddr().String()
}

// Conn is a connection that counts until it is closed.
type Conn struct {
	net.Conn
	crowd  *Crowd
	from   netip.Prefix
	weight int          // what it counts for; under the crowd's lock
	idle   atomic.Int64 // since when, in nanoseconds; zero where it is busy
	group  atomic.Pointer[group]
	leave  func()
}

// Weigh makes the connection count for so many, as one does that carries many requests at
// once; of the shared address each is one. It reports whether there is room: where not,
// the connection has to be closed.
func (c *Conn) Weigh(weight int) bool {
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	if c.crowd.isShared(c.from) {
		return true
	}
	if c.crowd.open[keyOf(c)] != c || !c.crowd.makeRoom(c, weight-c.weight) {
		return false
	}
	c.crowd.add(c, weight-c.weight)
	return true
}

// Idle says that the connection waits since then, and may give way to another.
func (c *Conn) Idle(since time.Time) {
	c.idle.Store(since.UnixNano())
	if its := c.group.Load(); its != nil {
		its.full.Store(0)
	}
}

// Busy says that it waits no more.
func (c *Conn) Busy() { c.idle.Store(0) }

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends what is sent and leaves what is received open.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
