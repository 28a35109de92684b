package exit

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"berth/controller/address"
)

const reachTimeout = 10 * time.Second

// awsMetadata is where a cloud tells its machines their secrets over IPv6. That of IPv4 is
// a link-local address.
var awsMetadata = netip.MustParseAddr("fd00:ec2::254")

// closedAddressError says that a name on the list leads to an address that no app reaches.
type closedAddressError struct{ address netip.Addr }

func (e *closedAddressError) Error() string {
	return fmt.Sprintf("%s is not an address of the internet", e.address)
}

// guard says which addresses can be reached at all.
type guard struct {
	pool    netip.Prefix
	private bool
}

func (g guard) allows(to netip.Addr) bool {
	to = to.Unmap()
	switch {
	case g.pool.Contains(to), to == awsMetadata, isOwn(to):
		return false
	case address.IsPublic(to):
		return true
	default:
		return g.private && to.IsPrivate() && to.Zone() == ""
	}
}

// isOwn reports whether the address is one of this container.
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

// dial connects to the host. The address is checked when it is dialled: a name may lead
// elsewhere than a moment before.
func (e *Exit) dial(ctx context.Context, host, port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true}, ControlContext: func(_ context.Context, _, text string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(text)
		if err != nil {
			return err
		}
		if !e.may(to.Addr()) || e.rules.isNever(to.Addr().Unmap()) {
			return &closedAddressError{to.Addr().Unmap()}
		}
		return nil
	}}
	if _, err := netip.ParseAddr(host); err != nil {
		host += "." // as it is: without the search domains of this machine
	}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}
