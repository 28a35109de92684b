package certificates

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"berth/controller/address"
	"berth/controller/problem"
)

// FieldTrustedProxies is the field of the proxies in front.
const FieldTrustedProxies = "trusted_proxies"

const maxTrustedProxies = 200

// Neighbours are the networks of this machine that a range of trusted proxies must not
// hold: every app would be believed.
type Neighbours struct {
	Networks []netip.Prefix
	// Machine is this machine in them, which may be trusted alone, for a tunnel on it.
	Machine netip.Addr
}

// CheckTrusted refuses a range that believes everybody, or apps.
func (n Neighbours) CheckTrusted(prefix netip.Prefix) error {
	switch {
	case prefix.Bits() == 0:
		return refuseField(FieldTrustedProxies, fmt.Sprintf("%s means everybody.", prefix), "Write the addresses of your own proxies only: whoever is on the list can claim any address.")
	case prefix.Addr().Is4In6():
		return refuseField(FieldTrustedProxies, fmt.Sprintf("%s is an IPv4 address in disguise.", prefix), "Write it as IPv4, such as 192.0.2.7.")
	case prefix.IsSingleIP() && prefix.Addr() == n.Machine:
		return nil
	}
	for _, network := range n.Networks {
		if network.IsValid() && prefix.Overlaps(network) {
			return refuseField(FieldTrustedProxies, fmt.Sprintf("%s holds addresses of apps, which are in %s.", prefix, network),
				"Write the addresses of your own proxies only: an app could claim any address to the others.")
		}
	}
	return nil
}

// parseTrusted reads the addresses and ranges that a person typed.
func (f ProxyForm) parseTrusted(s *ProxySettings, near Neighbours) error {
	var problems problem.Problems
	for _, word := range address.SplitList(f.TrustedProxies) {
		prefix, err := address.ParseRange(word)
		if err != nil {
			problems = problems.With(refuseField(FieldTrustedProxies, fmt.Sprintf("%.60q is not an address.", word),
				"Write addresses such as 192.0.2.7, or ranges such as 192.0.2.0/24 or 2001:db8::/48."))
			continue
		}
		problems = problems.With(near.CheckTrusted(prefix))
		s.TrustedProxies = append(s.TrustedProxies, prefix.Masked())
	}
	if len(problems) > 0 {
		return problems[0]
	}
	s.TrustedProxies = joinTrusted(s.TrustedProxies)
	if len(s.TrustedProxies) > maxTrustedProxies {
		return refuseField(FieldTrustedProxies, fmt.Sprintf("There are %d addresses and ranges, and %d is the most.", len(s.TrustedProxies), maxTrustedProxies),
			"Put neighbours together as a range, such as 192.0.2.0/24.")
	}
	return nil
}

// joinTrusted is all of the lists, each range once; nil if there is none.
func joinTrusted(lists ...[]netip.Prefix) []netip.Prefix {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Clip(slices.Compact(all))
}

func trustedText(ranges []netip.Prefix) string {
	lines := make([]string, 0, len(ranges))
	for _, prefix := range ranges {
		if prefix.IsSingleIP() {
			lines = append(lines, prefix.Addr().String())
			continue
		}
		lines = append(lines, prefix.String())
	}
	return strings.Join(lines, "\n")
}

// trusted are the proxies of the environment and of the page. The caller holds mu.
func (b *Book) trusted() []netip.Prefix {
	return joinTrusted(b.o.Static.TrustedProxies, b.settings.TrustedProxies)
}

// TrustedByEnvironment are the proxies that no page can take off the list.
func (b *Book) TrustedByEnvironment() string {
	return trustedText(joinTrusted(b.o.Static.TrustedProxies))
}

// tellGate says whom the gate has to pass on as a trusted proxy.
func (b *Book) tellGate() error {
	b.mu.Lock()
	trusted := b.trusted()
	b.mu.Unlock()
	if b.o.TellGate == nil {
		return nil
	}
	return b.o.TellGate(trusted)
}
