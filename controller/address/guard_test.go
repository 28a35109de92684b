package address_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"berth/controller/address"
)

// rebinding is a DNS server that answers with the first address once, and with the second
// from then on. It returns its address.
func rebinding(t *testing.T, first, then string) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		reply := new(dns.Msg).SetReply(r)
		if r.Question[0].Qtype == dns.TypeA {
			to := then
			if asked.Add(1) == 1 {
				to = first
			}
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(to)}}
		}
		_ = w.WriteMsg(reply)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return packets.LocalAddr().String()
}

// TestDialer_NameThatLeadsElsewhereAMomentLaterIsRefused has a name that is good when it is
// looked at, and this machine's own when it is dialled.
func TestDialer_NameThatLeadsElsewhereAMomentLaterIsRefused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // both addresses answer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := rebinding(t, "127.0.0.2", "127.0.0.1")
	dialer := address.Dialer(func(to netip.Addr) bool { return to == netip.MustParseAddr("127.0.0.2") })
	dialer.Resolver.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}
	good, err := dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("rebind.example.com", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = good.Close()
	connection, err := dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("rebind.example.com", port))
	if closed, ok := errors.AsType[*address.ClosedError](err); !ok || closed.Address != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("it was dialled: %v, %v", connection, err)
	}
}
