// Package address says what an IP address is on the internet.
package address

import (
	"net/netip"
	"slices"
)

// closed are the networks that no host of the internet has, beside those that the
// standard library knows: carriers' own, this network, protocols and benchmarks,
// documents, translations to IPv4, and what is reserved. From the registries of special
// addresses of IANA.
var closed = parseAll(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
)

func parseAll(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// IsPublic reports whether a host of the internet can have the address. An IPv4 address
// in the form of IPv6 counts as IPv4; one with a zone is of a link.
func IsPublic(address netip.Addr) bool {
	address = address.Unmap()
	return address.Zone() == "" && address.IsGlobalUnicast() && !address.IsPrivate() &&
		!slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(address) })
}
