package connections

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// arrivals is a listener whose connections come from the addresses.
type arrivals struct {
	net.Listener
	from []string
	port int
}

func (a *arrivals) Accept() (net.Conn, error) {
	if len(a.from) == 0 {
		return nil, net.ErrClosed
	}
	address := netip.MustParseAddr(a.from[0])
	a.from, a.port = a.from[1:], a.port+1
	near, far := net.Pipe()
	_ = far.Close()
	return arrived{near, net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(a.port)))}, nil
}

type arrived struct {
	net.Conn
	from net.Addr
}

func (a arrived) RemoteAddr() net.Addr { return a.from }

// takeAll returns the connections that the crowd let in.
func takeAll(crowd *Crowd, from ...string) (in []*Conn) {
	listener := crowd.Listen(&arrivals{from: from})
	for {
		connection, err := listener.Accept()
		if err != nil {
			return in
		}
		in = append(in, connection.(*Conn))
	}
}

func TestCrowd_CountsOneNetworkOfIPv6AsOneAddress(t *testing.T) {
	in := takeAll(NewCrowd(Limit{Total: 100, PerAddress: 2}),
		"2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3", "2001:db8:0:1::1%eth0", // one network: two of four
		"2001:db8:0:2::1",                                           // the next one
		"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.200", // IPv4, also written as IPv6: each by itself
		"::ffff:198.51.100.1",
	)
	count := make(map[string]int)
	for _, c := range in {
		count[c.from.String()]++
	}
	for network, want := range map[string]int{
		"2001:db8:0:1::/64": 2, "2001:db8:0:2::/64": 1, "192.0.2.1/32": 2, "192.0.2.200/32": 1, "198.51.100.1/32": 1,
	} {
		if count[network] != want {
			t.Errorf("%s has %d connections, want %d", network, count[network], want)
		}
	}
	if len(in) != 7 {
		t.Errorf("%d connections: %v", len(in), count)
	}
}

func TestCrowd_WhatCountsForManyTakesThePlaceOfManyAndGivesItBack(t *testing.T) {
	crowd := NewCrowd(Limit{Total: 7, PerAddress: 4, Shared: netip.MustParseAddr("192.0.2.9"), SharedLimit: 2})
	in := takeAll(crowd, "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.9")
	if in[0].Weigh(4) {
		t.Error("it counts for four, and there are three already")
	}
	in[1].Idle(time.Now().Add(-time.Second))
	in[2].Idle(time.Now().Add(-time.Second))
	if !in[0].Weigh(4) || in[1].Weigh(2) || in[2].Weigh(2) {
		t.Error("those that wait do not give way, or count on")
	}
	if len(takeAll(crowd, "192.0.2.1")) != 0 {
		t.Error("it does not count for four of its address")
	}
	if !in[3].Weigh(4) || len(takeAll(crowd, "192.0.2.9", "192.0.2.9")) != 1 {
		t.Error("it counts for many of the address that many share")
	}
	if len(takeAll(crowd, "192.0.2.3", "192.0.2.4")) != 1 {
		t.Error("it does not count for four in all")
	}
	_ = in[0].Close()
	if again := takeAll(crowd, slices.Repeat([]string{"192.0.2.1"}, 5)...); len(again) != 4 {
		t.Errorf("%d connections have its place", len(again))
	}
}

func TestCrowd_WhoHasMostGivesWayWhereAllTogetherHaveTooMany(t *testing.T) {
	crowd := NewCrowd(Limit{
		Total: 40, PerAddress: 16, Grace: time.Hour, Shared: netip.MustParseAddr("192.0.2.9"), SharedLimit: 64,
	})
	port := 0
	arrive := func(from string) int {
		listener := crowd.Listen(&arrivals{from: []string{from}, port: port * 100})
		port++
		connection, err := listener.Accept()
		if err != nil {
			return 0
		}
		connection.(*Conn).Idle(time.Now())
		return 1
	}
	many := func(from string, times int) (in int) {
		for range times {
			in += arrive(from)
		}
		return in
	}
	// They say something all the time: none of them is idle for the grace.
	if a, b, shared := many("192.0.2.1", 16), many("192.0.2.2", 12), many("192.0.2.9", 12); a != 16 || b != 12 || shared != 12 {
		t.Fatalf("%d, %d and %d are in", a, b, shared)
	}
	if in := many("192.0.2.3", 6); in != 6 {
		t.Errorf("of another address %d of 6 are in", in)
	}
	if in := many("192.0.2.1", 6); in != 0 {
		t.Errorf("of the address that has most %d more are in", in)
	}
	if in := many("192.0.2.3", 16); in != 3 {
		t.Errorf("of the other address %d more are in, want 3: then all three have about as many", in)
	}
	for address, want := range map[string][2]int{
		"192.0.2.1/32": {9, 10}, "192.0.2.2/32": {9, 10}, "192.0.2.3/32": {9, 9}, "192.0.2.9/32": {12, 12}, // many come from that one
	} {
		if has := crowd.from[netip.MustParsePrefix(address)].weight; has < want[0] || has > want[1] {
			t.Errorf("%s has %d", address, has)
		}
	}
}

func TestCrowd_ABusyConnectionNeverGivesWay(t *testing.T) {
	crowd := NewCrowd(Limit{Total: 4, PerAddress: 4})
	if in := takeAll(crowd, "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"); len(in) != 4 {
		t.Errorf("%d are in", len(in))
	}
}

func TestCrowd_AnAddressThatManyComeFromStandsAloneInItsNetwork(t *testing.T) {
	crowd := NewCrowd(Limit{Total: 100, PerAddress: 1, SharedLimit: 3})
	crowd.Shares = func(address netip.Addr) bool { return address == netip.MustParseAddr("2001:db8:0:1::7") }
	in := takeAll(crowd, "2001:db8:0:1::7", "2001:db8:0:1::1", "2001:db8:0:1::7", "2001:db8:0:1::2", "2001:db8:0:1::7", "2001:db8:0:1::7")
	count := make(map[string]int)
	for _, c := range in {
		count[c.from.String()]++
	}
	if count["2001:db8:0:1::7/128"] != 3 || count["2001:db8:0:1::/64"] != 1 {
		t.Errorf("%v", count)
	}
	if !in[0].Weigh(4) {
		t.Error("its connections are many people's, and count as one each")
	}
}

// TestCrowd_WhoBecomesIdleGivesWayAtOnceAlsoAfterARefusal: a refusal is remembered for a
// moment, and not against somebody who gives way now.
func TestCrowd_WhoBecomesIdleGivesWayAtOnceAlsoAfterARefusal(t *testing.T) {
	crowd := NewCrowd(Limit{Total: 10, PerAddress: 2})
	in := takeAll(crowd, "192.0.2.1", "192.0.2.1")
	for range 3 {
		if len(takeAll(crowd, "192.0.2.1", "192.0.2.1")) != 0 {
			t.Fatal("a busy connection gave way")
		}
		in[0].Idle(time.Now())
		if in = append(in[1:], takeAll(crowd, "192.0.2.1")...); len(in) != 2 {
			t.Fatal("an idle connection did not give way")
		}
	}
	// What becomes old enough without a word gives way when the refusal is forgotten.
	crowd = NewCrowd(Limit{Total: 10, PerAddress: 1, Grace: 2 * fullFor})
	in = takeAll(crowd, "192.0.2.1")
	in[0].Idle(time.Now())
	takeAll(crowd, "192.0.2.1")
	time.Sleep(4 * fullFor)
	if len(takeAll(crowd, "192.0.2.1")) != 1 {
		t.Error("a refusal is remembered for too long")
	}
}
