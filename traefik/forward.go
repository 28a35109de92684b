package traefik

import (
	"errors"
	"fmt"
	"net/netip"
)

// MaxPortConnections is how many connections one address has open to one public port over
// TCP.
const MaxPortConnections = 128

// Forward says where a public port leads. Every public port of the static configuration
// has one in each Table: the proxy would answer HTTP on a TCP port that has none, and
// would go on as before on a UDP port.
type Forward struct {
	Port Port
	// App and Release are of the instance at Address; without App nobody answers, and
	// the proxy closes connections.
	App     string
	Release int64
	Address string         // host:port on the app's network
	Allow   []netip.Prefix // admitted addresses; empty: all. UDP has no such rule
}

// The names of what all forwards share.
const (
	connectionsName = "connections" // bounds the connections of one address
	nobodyName      = "nobody"      // admits no address
)

const (
	everyName = "HostSNI(`*`)" // matches every connection, encrypted or not

	// nobodyRange is of no client: it is set aside for documents (RFC 5737).
	nobodyRange = "192.0.2.0/32"
	// nowhere is in the proxy's own container, where nothing listens on it.
	nowhere = "127.0.0.1:9"
)

// check refuses a forward that would lead elsewhere than it says, or to more clients.
func (f Forward) check() error {
	if err := f.Port.check(); err != nil {
		return err
	}
	if f.App == "" {
		if f.Address != "" || f.Release != 0 || len(f.Allow) > 0 {
			return fmt.Errorf("port %s leads to no app, and to %.80q", f.Port, f.Address)
		}
		return nil
	}
	if !appPattern.MatchString(f.App) || f.Release < 1 {
		return fmt.Errorf("port %s leads to release %d of %.60q", f.Port, f.Release, f.App)
	}
	if err := checkAddress(f.Address); err != nil {
		return fmt.Errorf("port %s: %w", f.Port, err)
	}
	if f.Port.Protocol == UDP && len(f.Allow) > 0 {
		return fmt.Errorf("port %s has rules for addresses, which UDP knows none of", f.Port)
	}
	return Access{Allow: f.Allow}.Check()
}

// closed is the same port, with nobody behind it.
func (f Forward) closed() bool { return f.App == "" }

func (f Forward) address() string {
	if f.closed() {
		return nowhere
	}
	return f.Address
}

// addForwards adds the routers and services of the table's public ports.
func (c *Configuration) addForwards(forwards []Forward) error {
	seen := make(map[Port]bool, len(forwards))
	for _, forward := range forwards {
		if err := forward.check(); err != nil {
			return err
		}
		if seen[forward.Port] {
			return errors.New("port " + forward.Port.String() + " is there twice")
		}
		seen[forward.Port] = true
		if forward.Port.Protocol == UDP {
			c.addUDP(forward)
		} else {
			c.addTCP(forward)
		}
	}
	return nil
}

func (c *Configuration) addUDP(forward Forward) {
	if c.UDP == nil {
		c.UDP = &UDPSection{Routers: make(map[string]*StreamRouter), Services: make(map[string]*StreamService)}
	}
	name := forward.Port.entryPoint()
	c.UDP.Routers[name] = &StreamRouter{EntryPoints: []string{name}, Service: name}
	c.UDP.Services[name] = streamTo(forward.address())
}

func (c *Configuration) addTCP(forward Forward) {
	if c.TCP == nil {
		c.TCP = &TCPSection{
			Routers: make(map[string]*StreamRouter), Services: make(map[string]*StreamService), Middlewares: make(map[string]*TCPMiddleware),
		}
	}
	name := forward.Port.entryPoint()
	c.TCP.Routers[name] = &StreamRouter{EntryPoints: []string{name}, Service: name, Rule: everyName, Middlewares: c.TCP.guard(forward)}
	c.TCP.Services[name] = streamTo(forward.address())
}

// guard adds the middlewares of a forward and returns their names: who may connect, and
// then how often at once.
func (s *TCPSection) guard(forward Forward) []string {
	if forward.closed() {
		s.Middlewares[nobodyName] = &TCPMiddleware{IPAllowList: &IPAllowList{SourceRange: []string{nobodyRange}}}
		return []string{nobodyName}
	}
	var chain []string
	if allow := (Access{Allow: forward.Allow}).Canonical().Allow; len(allow) > 0 {
		list := new(IPAllowList)
		for _, prefix := range allow {
			list.SourceRange = append(list.SourceRange, prefix.String())
		}
		name := forward.App + "-allow-" + hashOf(fmt.Sprint(list.SourceRange))
		s.Middlewares[name] = &TCPMiddleware{IPAllowList: list}
		chain = append(chain, name)
	}
	s.Middlewares[connectionsName] = &TCPMiddleware{InFlightConn: &InFlightConn{Amount: MaxPortConnections}}
	return append(chain, connectionsName)
}

func streamTo(address string) *StreamService {
	return &StreamService{LoadBalancer: &StreamBalancer{Servers: []StreamServer{{Address: address}}}}
}
