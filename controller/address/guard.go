package address

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// awsMetadata is where a cloud tells its machines their secrets over IPv6. That of IPv4 is
// a link-local address.
var awsMetadata = netip.MustParseAddr("fd00:ec2::254")

// ClosedError says that a name leads to an address that may not be reached.
type ClosedError struct{ Address netip.Addr }

func (e *ClosedError) Error() string {
	return fmt.Sprintf("%s is not an address that may be reached", e.Address)
}

// Guard says which addresses can be reached at all. The zero Guard allows the internet
// alone: never this machine, a link, or a private network.
type Guard struct {
	Never   []netip.Prefix // networks of our own
	Private bool           // private networks too
}

// Allows reports whether the address can be reached.
func (g Guard) Allows(to netip.Addr) bool {
	to = to.Unmap()
	switch {
	case slices.ContainsFunc(g.Never, func(p netip.Prefix) bool { return p.Contains(to) }), to == awsMetadata, isOwn(to):
		return false
	case IsPublic(to):
		return true
	default:
		return g.Private && to.IsPrivate() && to.Zone() == ""
	}
}

// isOwn reports whether the address is one of this machine or container.
func isOwn(to netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, one := range own {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil && prefix.Addr().Unmap() == to {
			return true
		}
	}
	return false
}

// Dialer connects to allowed addresses alone; else the error is a *ClosedError. The
// address is checked when it is dialled: a name may lead elsewhere than a moment before.
func Dialer(allows func(netip.Addr) bool) *net.Dialer {
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true}, ControlContext: func(_ context.Context, _, text string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(text)
		if err != nil {
			return err
		}
		if !allows(to.Addr()) {
			return &ClosedError{to.Addr().Unmap()}
		}
		return nil
	}}
}
