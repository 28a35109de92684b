package exit

import (
	"context"
	"net"
	"net/netip"
	"time"

	"berth/controller/address"
)

const reachTimeout = 10 * time.Second

// dial connects to the host. The address is checked when it is dialled: a name may lead
// elsewhere than a moment before.
func (e *Exit) dial(ctx context.Context, host, port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	dialer := address.Dialer(func(to netip.Addr) bool { return e.may(to) && !e.rules.isNever(to.Unmap()) })
	if _, err := netip.ParseAddr(host); err != nil {
		host += "." // as it is: without the search domains of this machine
	}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
}
