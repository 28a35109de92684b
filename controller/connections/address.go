package connections

import (
	"net"
	"net/netip"
)

// Address is without a zone, and the zero Addr where there is none.
func Address(remote net.Addr) netip.Addr {
	parsed, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Addr{}
	}
	return parsed.Addr().Unmap().WithZone("")
}

// Neighbourhood is what counts as one address: whoever has an IPv6 address has a
// network of them.
func Neighbourhood(remote net.Addr) netip.Prefix {
	address, bits := Address(remote), 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits)
	return network
}
