package gate

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller/connections"
)

const patience = 10 * time.Second

// brief are times that a busy machine keeps, far below patience.
var brief = Times{
	Opening: 500 * time.Millisecond, Handshake: 500 * time.Millisecond, Unasked: time.Second, Answer: 2 * time.Second,
	Still: time.Second, Reach: time.Second,
}

// opened is a gate with one door, before a proxy of the test.
type opened struct {
	t       *testing.T
	address string
	reached atomic.Int64 // connections that the proxy took
	stop    context.CancelFunc
	done    chan error
}

// open stands before a proxy that hands each connection, behind its header, to serve.
func open(t *testing.T, secure bool, times Times, limit connections.Limit, serve func(header []byte, c *net.TCPConn, r *bufio.Reader)) *opened {
	t.Helper()
	return openTrusting(t, nil, "", secure, times, limit, serve)
}

// openTrusting also has trusted proxies, whose connections lead to another place.
func openTrusting(t *testing.T, trust *Trust, proxied string, secure bool, times Times, limit connections.Limit, serve func(header []byte, c *net.TCPConn, r *bufio.Reader)) *opened {
	t.Helper()
	g := &opened{t: t, done: make(chan error, 1)}
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	go func() {
		for {
			c, err := proxy.Accept()
			if err != nil {
				return
			}
			g.reached.Add(1)
			go func() {
				defer c.Close()
				reader := bufio.NewReader(c)
				header := make([]byte, 16+12)
				if _, err := io.ReadFull(reader, header); err == nil {
					serve(header, c.(*net.TCPConn), reader)
				}
			}()
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	g.stop = cancel
	gate := New(Options{
		Doors: []Door{{Listener: listener, Proxy: proxy.Addr().String(), Proxied: proxied, Secure: secure}}, Trust: trust,
		Times: times, Limit: limit, Logger: slog.New(slog.DiscardHandler),
	})
	go func() { g.done <- gate.Run(ctx) }()
	t.Cleanup(cancel)
	return g
}

// dial connects from that address of this machine, which says text.
func (g *opened) dial(from, text string) *net.TCPConn {
	g.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := dialer.Dial("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	return c.(*net.TCPConn)
}

const plainRequest = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"

// ok answers each request of a connection.
func ok(_ []byte, c *net.TCPConn, r *bufio.Reader) {
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, request.Body)
		text := fmt.Sprint(n)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
}

func answered(c net.Conn) bool {
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "HTTP/1.1 200")
}

// expectCut waits until the other side has closed the connection.
func expectCut(t *testing.T, c net.Conn, what string) {
	t.Helper()
	begin := time.Now()
	if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
		t.Errorf("%s: is open after %s", what, time.Since(begin))
	}
}

var wide = connections.Limit{Total: 100, PerAddress: 100}

func TestGate_TellsTheProxyTheClientsAddress(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	g := open(t, false, Times{}, wide, func(header []byte, c *net.TCPConn, r *bufio.Reader) {
		got <- header
		ok(header, c, r)
	})
	c := g.dial("127.0.0.7", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n\r\n")
	header := <-got
	want := proxyHeader(c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort())
	if !bytes.Equal(header, want) {
		t.Errorf("got  %q\nwant %q", header, want)
	}
}

func TestGate_HeaderHoldsBothFamilies(t *testing.T) {
	t.Parallel()
	four, six := netip.MustParseAddrPort("[::ffff:192.0.2.1]:258"), netip.MustParseAddrPort("[2001:db8::1]:80")
	got := proxyHeader(four, netip.MustParseAddrPort("192.0.2.2:80"))
	if want := signature + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x01\x02\x00\x50"; string(got) != want {
		t.Errorf("IPv4: %q", got)
	}
	if got := proxyHeader(four, six); len(got) != 16+36 || got[13] != tcpOver6 {
		t.Errorf("both: %q", got)
	}
}

func TestGate_HalfSentRequestsNeverReachTheProxyAndEnd(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]struct {
		secure bool
		text   string
	}{
		"nothing": {false, ""}, "half a head": {false, "GET / HTTP/1.1\r\nHost: a\r\n"},
		"no hello": {true, ""}, "half a hello": {true, "\x16\x03\x01\x02\x00\x01\x00\x01"}, "half a record": {true, "\x16\x03"},
	} {
		g := open(t, attack.secure, brief, wide, ok)
		begin := time.Now()
		expectCut(t, g.dial("127.0.0.1", attack.text), name)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: cut after %s", name, took)
		}
		if n := g.reached.Load(); n != 0 {
			t.Errorf("%s: %d connections reached the proxy", name, n)
		}
	}
}

func TestGate_AHeadInDropsEndsInTimeAndOneWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	g := open(t, false, brief, wide, ok)
	c := g.dial("127.0.0.1", "GET / HTTP/1.1\r\n")
	go func() {
		for i := range 200 {
			if _, err := fmt.Fprintf(c, "X-%d: a\r\n", i); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	expectCut(t, c, "drops")
	expectCut(t, g.dial("127.0.0.1", "GET / HTTP/1.1\r\nX: "+strings.Repeat("a", 100<<10)), "a long head")
	if n := g.reached.Load(); n != 0 {
		t.Errorf("%d connections reached the proxy", n)
	}
}

func TestGate_AHandshakeThatIsLeftAndABodyInDropsEnd(t *testing.T) {
	t.Parallel()
	hello := "\x16\x03\x01\x00\x02ab"
	g := open(t, true, brief, wide, func(_ []byte, c *net.TCPConn, r *bufio.Reader) {
		_, _ = c.Write(make([]byte, 3000)) // of the server's part of the handshake
		_, _ = io.Copy(io.Discard, r)
	})
	expectCut(t, g.dial("127.0.0.1", hello), "nothing behind the hello")
	c := g.dial("127.0.0.1", hello)
	time.Sleep(100 * time.Millisecond)
	_, _ = io.WriteString(c, strings.Repeat("f", 80))
	expectCut(t, c, "no request behind the handshake")
	plain := open(t, false, brief, wide, ok)
	c = plain.dial("127.0.0.1", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	go func() {
		for range 200 {
			if _, err := io.WriteString(c, "a"); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	expectCut(t, c, "a body in drops")
}

func TestGate_BoundsEachAddressAndStillServesOthers(t *testing.T) {
	t.Parallel()
	limit := connections.Limit{Total: 100, PerAddress: 20}
	g := open(t, false, Times{}, limit, ok)
	var flood []net.Conn
	for range 300 {
		flood = append(flood, g.dial("127.0.0.2", "GET / HTTP/1.1\r\n"))
	}
	if !answered(g.dial("127.0.0.3", plainRequest)) {
		t.Error("another address is not served")
	}
	if !answered(g.dial("127.0.0.2", plainRequest)) {
		t.Error("the same address is not served in the place of what waits")
	}
	open := 0
	for _, c := range flood {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && isTimeout(err) {
			open++
		}
	}
	if open > limit.PerAddress {
		t.Errorf("%d connections of one address are open", open)
	}
}

func TestGate_SeveralAddressesTogetherLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	limit := connections.Limit{Total: 32, PerAddress: 20, Grace: time.Hour} // nobody waits for so long
	g := open(t, false, Times{}, limit, func(_ []byte, c *net.TCPConn, r *bufio.Reader) {
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_ = request.Body.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	kept := map[string][]net.Conn{}
	for from, many := range map[string]int{"127.0.0.2": 20, "127.0.0.3": 12} {
		for range many {
			c := g.dial(from, plainRequest)
			if !answered(c) {
				t.Fatalf("%s is not served", from)
			}
			kept[from] = append(kept[from], c)
		}
	}
	for n := range 4 {
		if !answered(g.dial("127.0.0.4", plainRequest)) {
			t.Errorf("connection %d of another address is not served", n)
		}
	}
	if answered(g.dial("127.0.0.2", plainRequest)) {
		t.Error("the address that has most gets one more")
	}
	for from, want := range map[string]int{"127.0.0.2": 16, "127.0.0.3": 12} {
		open := 0
		for _, c := range kept[from] {
			_, _ = io.WriteString(c, plainRequest)
			if answered(c) {
				open++
			}
		}
		if open != want {
			t.Errorf("%s has %d connections yet, want %d", from, open, want)
		}
	}
}

func TestGate_TheMachinesOwnAddressHasALargerShare(t *testing.T) {
	t.Parallel()
	limit := connections.Limit{Total: 10, PerAddress: 2, Shared: netip.MustParseAddr("127.0.0.9"), SharedLimit: 6}
	g := open(t, false, Times{}, limit, ok)
	for from, share := range map[string]int{"127.0.0.9": 6, "127.0.0.8": 2} {
		var all []net.Conn
		for range 9 {
			all = append(all, g.dial(from, "GET"))
		}
		time.Sleep(100 * time.Millisecond)
		open := 0
		for _, c := range all {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != nil && isTimeout(err) {
				open++
			}
		}
		if open != share {
			t.Errorf("%s has %d connections, want %d", from, open, share)
		}
	}
}

func TestGate_CarriesMuchBothWaysUnchanged(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	g := open(t, false, Times{}, wide, func(_ []byte, c *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(c, r) })
	c := g.dial("127.0.0.1", plainRequest)
	_, _ = io.ReadFull(c, make([]byte, len(plainRequest)))
	sent, got := sha256.New(), sha256.New()
	var up sync.WaitGroup
	up.Go(func() {
		chunk := make([]byte, 1<<20)
		for i := range size / len(chunk) {
			for j := range chunk {
				chunk[j] = byte(i + j*7)
			}
			_, _ = sent.Write(chunk)
			if _, err := c.Write(chunk); err != nil {
				t.Error(err)
			}
		}
		_ = c.CloseWrite() // the other way stays open
	})
	n, err := io.Copy(got, c)
	up.Wait()
	if err != nil || n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

func TestGate_AnAnsweredConnectionMayBeStillForLong(t *testing.T) {
	t.Parallel()
	g := open(t, false, brief, wide, ok)
	c := g.dial("127.0.0.1", plainRequest)
	if !answered(c) {
		t.Fatal("no answer")
	}
	time.Sleep(4 * brief.Unasked)
	_, _ = io.WriteString(c, plainRequest)
	if !answered(c) {
		t.Error("the connection was cut")
	}
}

func TestGate_AnAnswerThatNobodyTakesEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	g := open(t, false, brief, wide, func(_ []byte, c *net.TCPConn, _ *bufio.Reader) {
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				close(ended)
				return
			}
		}
	})
	g.dial("127.0.0.1", plainRequest)
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the proxy still writes")
	}
}

func TestGate_AStopLetsRequestsUnderWayEnd(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	g := open(t, false, Times{}, wide, func(header []byte, c *net.TCPConn, r *bufio.Reader) {
		close(begun)
		time.Sleep(time.Second)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	})
	c := g.dial("127.0.0.1", plainRequest)
	<-begun
	g.stop()
	if !answered(c) {
		t.Error("the request was cut")
	}
	_ = c.Close()
	select {
	case err := <-g.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the gate did not stop")
	}
}

func TestGate_ConnectionsThatMayCarryManyRequestsCountForMany(t *testing.T) {
	t.Parallel()
	hello := func(content string) string {
		body := "\x01\x00\x00" + string(rune(len(content))) + content
		return "\x16\x03\x01\x00" + string(rune(len(body))) + body
	}
	for name, attack := range map[string]struct {
		secure bool
		text   string
		fit    int
	}{
		"HTTP/1 in TLS":        {true, hello("\x08http/1.1"), 20},
		"HTTP/2 in TLS":        {true, hello("\x02h2\x08http/1.1"), 5},
		"a hello in pieces":    {true, "\x16\x03\x01\x00\x06\x01\x00\x00\x40ab", 5},
		"HTTP/2 where TLS is":  {true, "PRI * HTTP/2.0\r\n\r\n", 5},
		"HTTP/2 in the clear":  {false, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 5},
		"HTTP/1 in the clear":  {false, plainRequest, 20},
		"HTTP/1 where TLS is":  {true, plainRequest, 5},
		"a record with little": {true, "\x16\x03\x01\x00\x01a", 5},
	} {
		g := open(t, attack.secure, Times{}, connections.Limit{Total: 100, PerAddress: 20, Grace: time.Minute},
			func(_ []byte, _ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
		var all []net.Conn
		for range 30 {
			all = append(all, g.dial("127.0.0.1", attack.text))
		}
		time.Sleep(200 * time.Millisecond)
		open := 0
		for _, c := range all {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err != nil && isTimeout(err) {
				open++
			}
		}
		if open != attack.fit {
			t.Errorf("%s: %d connections are open, want %d", name, open, attack.fit)
		}
	}
}

func TestGate_ARequestThatWasPassedOnIsNotGivenUpForTheNextOne(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	g := open(t, false, Times{}, connections.Limit{Total: 100, PerAddress: 20, Grace: time.Hour}, func(header []byte, c *net.TCPConn, r *bufio.Reader) {
		<-let
		ok(header, c, r)
	})
	var first []net.Conn
	for range 20 {
		first = append(first, g.dial("127.0.0.2", plainRequest))
	}
	for end := time.Now().Add(patience); g.reached.Load() < 20 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		expectCut(t, g.dial("127.0.0.2", plainRequest), "one more of that address")
	}
	if reached := g.reached.Load(); reached != 20 {
		t.Errorf("the proxy had %d requests to begin, want 20", reached)
	}
	close(let)
	for _, c := range first {
		if !answered(c) {
			t.Error("a request that the proxy was at is not answered")
		}
	}
}
