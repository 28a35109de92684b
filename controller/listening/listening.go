// Package listening remembers which ports an instance was seen to listen on, and says where that is not where it is asked.
package listening

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	portSettles = 2 * time.Second // what listens is not followed before it stays as it is for so long
	portRetry   = 3 * time.Second // between two tries of the same ports
)

// Ports are where an instance listens. The zero value knows nothing. It is safe for
// concurrent use.
type Ports struct {
	mu    sync.Mutex
	known bool
	open  []netip.AddrPort
	since time.Time
	tried time.Time // when other ports were asked last
	asked uint16    // where the verify route leads
}

// Ask notes where the verify route leads from here on.
func (p *Ports) Ask(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = port
}

// Note remembers what it listens on.
func (p *Ports) Note(open []netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.open, p.since, p.tried = true, slices.Clone(open), time.Now(), time.Time{}
}

// Seen are the ports that others reach, lowest first, and the addresses that only the
// container itself does; known is false where nobody could look.
func (p *Ports) Seen() (reached []uint16, inside []netip.AddrPort, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.open {
		if at.Addr().IsLoopback() {
			inside = append(inside, at)
			continue
		}
		reached = append(reached, at.Port())
	}
	slices.Sort(reached)
	return slices.Compact(reached), inside, p.known
}

// Due reports whether the ports are to be asked now, and notes that they are.
func (p *Ports) Due() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known || time.Since(p.since) < portSettles || time.Since(p.tried) < portRetry {
		return false
	}
	p.tried = time.Now()
	return true
}

// Asked is where the verify route leads; 0 before it leads anywhere.
func (p *Ports) Asked() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Misplaced says where the app listens, where that is not the port that it was asked at;
// empty where it does, or where it is not known.
func (p *Ports) Misplaced() string {
	reached, inside, known := p.Seen()
	asked := p.Asked()
	switch {
	case !known, slices.Contains(reached, asked), len(reached)+len(inside) == 0:
		return ""
	case len(reached) > 0:
		return fmt.Sprintf("The app listens on %s, not on port %d.", portList(reached), asked)
	default:
		return fmt.Sprintf("The app listens on %s only, which nothing outside of its container reaches.", addressList(inside))
	}
}

func portList(ports []uint16) string {
	texts := make([]string, 0, len(ports))
	for _, port := range ports {
		texts = append(texts, fmt.Sprintf("port %d", port))
	}
	return strings.Join(texts, " and ")
}

func addressList(addresses []netip.AddrPort) string {
	texts := make([]string, 0, len(addresses))
	for _, at := range addresses {
		texts = append(texts, at.String())
	}
	return strings.Join(texts, " and ")
}
