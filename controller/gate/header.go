package gate

import (
	"encoding/binary"
	"net/netip"
)

// The parts of the PROXY protocol's version 2.
const (
	signature    = "\r\n\r\n\x00\r\nQUIT\n"
	proxyCommand = 0x21 // version 2, a connection on behalf of another
	tcpOver4     = 0x11
	tcpOver6     = 0x21
)

// proxyHeader says that the connection comes from source, and was made to
// destination. Where one of them is of IPv6, both are written so.
func proxyHeader(source, destination netip.AddrPort) []byte {
	from, to := source.Addr().Unmap(), destination.Addr().Unmap()
	header := append([]byte(signature), proxyCommand)
	if from.Is4() && to.Is4() {
		header = append(header, tcpOver4, 0, 12)
		header = append(append(header, from.AsSlice()...), to.AsSlice()...)
	} else {
		header = append(header, tcpOver6, 0, 36)
		wide, wider := from.As16(), to.As16()
		header = append(append(header, wide[:]...), wider[:]...)
	}
	header = binary.BigEndian.AppendUint16(header, source.Port())
	return binary.BigEndian.AppendUint16(header, destination.Port())
}
