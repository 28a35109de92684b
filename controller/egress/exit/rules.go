package exit

import (
	"net/netip"
	"slices"
	"sync"

	"berth/controller/egress"
)

// Rule is what one network of an app may connect to.
type Rule struct {
	App     string        `json:"app"`
	Address netip.Addr    `json:"address"` // of the exit on the network
	Subnet  netip.Prefix  `json:"subnet"`  // of the network
	Egress  egress.Egress `json:"egress"`
}

// rules are those of all networks. The zero value has none.
type rules struct {
	mu    sync.RWMutex
	all   []Rule
	never []netip.Addr // addresses of this machine
}

func (r *rules) replace(all []Rule, never []netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all, r.never = slices.Clone(all), slices.Clone(never)
}

// find returns the rule of a connection by its two ends: the network that it came in on.
func (r *rules) find(local, remote netip.Addr) (Rule, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	local, remote = local.Unmap(), remote.Unmap()
	at := slices.IndexFunc(r.all, func(rule Rule) bool { return rule.Address == local && rule.Subnet.Contains(remote) })
	if at < 0 {
		return Rule{}, false
	}
	return r.all[at], true
}

func (r *rules) isNever(address netip.Addr) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Contains(r.never, address)
}
