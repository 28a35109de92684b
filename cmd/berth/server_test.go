package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"berth/controller/connections"
	"berth/test/patience"
)

// short are the limits of these tests: long enough for a busy machine to pass, and
// far below clientPatience.
func short() serverLimits {
	limits := defaultServerLimits()
	limits.header, limits.idle, limits.still = patience.Of(400*time.Millisecond), patience.Of(400*time.Millisecond), patience.Of(400*time.Millisecond)
	return limits
}

// clientPatience is how long a client of these tests waits to be cut off.
var clientPatience = patience.Of(8 * time.Second)

// frontDoor is the server's whole way in, before a handler of the test.
type frontDoor struct {
	t       *testing.T
	address string
	config  Config
	trust   *tls.Config
}

func openFrontDoor(t *testing.T, limits serverLimits, config Config, handler http.HandlerFunc) *frontDoor {
	t.Helper()
	if config.DataFolder == "" {
		config.DataFolder = t.TempDir()
	}
	logger := slog.New(slog.DiscardHandler)
	certificates, err := openCertificates(config, logger)
	if err != nil {
		t.Fatal(err)
	}
	certificates.interval = 50 * time.Millisecond
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // of which tests use several addresses
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	server := newServer(handler, certificates, limits, logger)
	crowd := connections.NewCrowd(limits.connections)
	server.ConnState = crowd.Follow
	door := openPlainDoor(crowd.Listen(newDoorkeeper(listener, config, logger)), config, adminHosts(config, certificates.Leaf()))
	ctx, cancel := context.WithCancel(t.Context())
	done, watched := make(chan error, 1), make(chan struct{})
	go func() { defer close(watched); _ = certificates.Run(ctx) }()
	go func() { done <- runServer(ctx, server, door) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-watched // it writes into the folder, which goes next
	})
	return &frontDoor{t: t, address: net.JoinHostPort("127.0.0.1", port), config: config, trust: trusting(certificates.Leaf())}
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func (f *frontDoor) dial() net.Conn {
	f.t.Helper()
	connection, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(clientPatience))
	return connection
}

// secure is a TLS connection of HTTP/1.1.
func (f *frontDoor) secure() *tls.Conn {
	f.t.Helper()
	trust := f.trust.Clone()
	trust.NextProtos = []string{"http/1.1"}
	connection := tls.Client(f.dial(), trust)
	if err := connection.Handshake(); err != nil {
		f.t.Fatal(err)
	}
	return connection
}

func (f *frontDoor) client() *http.Client {
	transport := &http.Transport{TLSClientConfig: f.trust.Clone(), ForceAttemptHTTP2: true}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: clientPatience}
}

// expectCut expects that the server ends the connection, and not the client's patience.
func expectCut(t *testing.T, connection io.Reader, what string) string {
	t.Helper()
	read, err := io.ReadAll(connection)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Errorf("%s was let be", what)
	}
	return string(read)
}

func TestServer_CutsOffSlowloris(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, says("ok"))
	expectCut(t, f.dial(), "a connection without a handshake")

	half := f.dial()
	_, _ = half.Write([]byte{tlsHandshake, 3, 1})
	expectCut(t, half, "half a handshake")

	expectCut(t, f.secure(), "a handshake without a request")

	slow := f.secure()
	go func() {
		for _, err := fmt.Fprint(slow, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "); err == nil; _, err = fmt.Fprint(slow, "a") {
			time.Sleep(50 * time.Millisecond)
		}
	}()
	expectCut(t, slow, "a head that does not end")
}

func TestServer_CutsOffABodyThatNobodyReadsAndThatDoesNotCome(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, says("ok"))
	for _, length := range []string{"Content-Length: 100000", "Transfer-Encoding: chunked"} {
		slow := f.secure()
		_, _ = fmt.Fprintf(slow, "POST /login HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n1", length)
		expectCut(t, slow, "a body with "+length)
	}
}

func TestServer_CutsOffIdleConnections(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, says("ok"))
	idle := f.secure()
	_, _ = fmt.Fprint(idle, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if answered := expectCut(t, idle, "an idle connection"); !strings.HasPrefix(answered, "HTTP/1.1 200") {
		t.Errorf("answered %q", answered)
	}
}

func TestServer_CutsOffWhoDoesNotTakeTheAnswer(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 4)
	f := openFrontDoor(t, short(), Config{}, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		var err error
		for n := 0; n < 64 && err == nil; n++ {
			_, err = w.Write(chunk)
		}
		ended <- err
	})
	stuck := f.secure()
	_, _ = fmt.Fprint(stuck, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	response, err := f.client().Get("https://" + f.address + "/") // HTTP/2: its window fills
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for range 2 {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("64 MB went to somebody who reads nothing")
			}
		case <-time.After(clientPatience):
			t.Fatal("a handler still waits")
		}
	}
}

func TestServer_KeepsServingWhoIsSlowButMoves(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, func(w http.ResponseWriter, r *http.Request) {
		for range 4 {
			time.Sleep(150 * time.Millisecond) // in all, longer than anybody may stand still
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
		}
		time.Sleep(500 * time.Millisecond)
		_, _ = io.WriteString(w, "b "+r.Proto)
	})
	connection := f.secure()
	reader := bufio.NewReader(connection)
	for range 2 { // the second request finds no deadline of the first
		_, _ = fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != "aaaab HTTP/1.1" {
			t.Errorf("%q, %v", body, err)
		}
	}
	response, err := f.client().Get("https://" + f.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "aaaab HTTP/2.0" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestServer_RefusesHugeHeaders(t *testing.T) {
	t.Parallel()
	limits := short()
	limits.header = clientPatience
	f := openFrontDoor(t, limits, Config{}, says("ok"))
	connection := f.secure()
	go func() {
		_, _ = fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: %s\r\n\r\n", strings.Repeat("a", 64<<10))
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%v, %v", response, err)
	}
	request, err := http.NewRequest(http.MethodGet, "https://"+f.address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-A", strings.Repeat("a", 64<<10))
	if response, err := f.client().Do(request); err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("HTTP/2: %d", response.StatusCode)
		}
	}
}

func TestServer_BoundsConnectionsPerAddressAndInAll(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]connections.Limit{"per address": {Total: 10, PerAddress: 2}, "in all": {Total: 2, PerAddress: 10}} {
		limits := short()
		limits.header, limits.idle, limits.connections = clientPatience, clientPatience, bound
		f := openFrontDoor(t, limits, Config{}, says("ok"))
		first, second := f.secure(), f.secure()
		expectCut(t, f.dial(), name+": a third connection")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(clientPatience)
		for {
			again := tls.Client(f.dial(), f.trust)
			if err := again.Handshake(); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: a closed connection still counts", name)
			}
			time.Sleep(20 * time.Millisecond)
		}
		_ = second.Close()
	}
}

func TestServer_IdleConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]connections.Limit{"per address": {Total: 10, PerAddress: 2}, "in all": {Total: 2, PerAddress: 10}} {
		limits := short()
		limits.header, limits.idle, limits.connections = clientPatience, clientPatience, bound
		f := openFrontDoor(t, limits, Config{}, says("ok"))
		ask := func(connection net.Conn) error {
			_, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if err == nil {
				_, err = bufio.NewReader(connection).ReadString('\n')
			}
			return err
		}
		oldest, newer := f.secure(), f.secure()
		for _, connection := range []net.Conn{oldest, newer} {
			if err := ask(connection); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // until the server waits for the next request
		}
		if err := errors.Join(ask(f.secure()), ask(newer)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expectCut(t, oldest, name+": the connection that was idle for longest")
	}
}

// hears reports whether a connection from one address to another is heard.
func (f *frontDoor) hears(from, to string) bool {
	f.t.Helper()
	_, port, _ := net.SplitHostPort(f.address)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	connection, err := dialer.Dial("tcp", net.JoinHostPort(to, port))
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(clientPatience))
	return tls.Client(connection, f.trust).Handshake() == nil
}

func TestServer_HearsNobodyOfTheProxysNetworkButTheMachine(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{EdgeSubnet: netip.MustParsePrefix("127.0.0.0/24")}, says("ok"))
	for from, heard := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false, "127.0.0.254": false} {
		if f.hears(from, "127.0.0.1") != heard {
			t.Errorf("from %s, want heard %t", from, heard)
		}
	}
}

func TestServer_HearsNoNeighbourWhosePacketsReachTheContainer(t *testing.T) {
	t.Parallel()
	const container, neighbour, gateway, proxy = "127.0.9.3", "127.0.1.2", "127.0.9.1", "127.0.7.7"
	config := Config{EdgeSubnet: netip.MustParsePrefix("127.0.9.0/27"), TrustedProxies: []netip.Prefix{netip.MustParsePrefix(proxy + "/32")}}
	f := openFrontDoor(t, short(), config, says("ok"))
	for from, heard := range map[string]bool{neighbour: false, gateway: true, proxy: true, "127.0.9.2": false, "127.0.0.1": false} {
		if f.hears(from, container) != heard {
			t.Errorf("from %s to the container, want heard %t", from, heard)
		}
	}
	for from, heard := range map[string]bool{"127.0.0.1": true, neighbour: true, "127.0.9.2": false} {
		if f.hears(from, "127.0.0.1") != heard {
			t.Errorf("from %s to the loopback address, want heard %t", from, heard)
		}
	}
}

func TestServer_CountsANetworkOfIPv6AsOneAddress(t *testing.T) {
	t.Parallel()
	same := func(a, b string) bool {
		one, other := net.TCPAddr{IP: net.ParseIP(a)}, net.TCPAddr{IP: net.ParseIP(b)}
		return connections.Neighbourhood(&one) == connections.Neighbourhood(&other)
	}
	if !same("2001:db8::1", "2001:db8::ffff:2") || same("2001:db8::1", "2001:db8:0:1::1") || same("192.0.2.1", "192.0.2.2") || !same("::ffff:192.0.2.1", "192.0.2.1") {
		t.Error("addresses are counted wrongly")
	}
}

func TestServer_SpeaksModernTLSAndHTTP2Alone(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), Config{}, says("ok"))
	for name, weaken := range map[string]func(*tls.Config){
		"TLS 1.0": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 },
		"CBC": func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
		},
		"no forward secrecy": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		},
	} {
		trust := f.trust.Clone()
		weaken(trust)
		if err := tls.Client(f.dial(), trust).Handshake(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		trust := f.trust.Clone()
		trust.MinVersion, trust.MaxVersion, trust.NextProtos = version, version, []string{"h2", "http/1.1"}
		connection := tls.Client(f.dial(), trust)
		if err := connection.Handshake(); err != nil {
			t.Fatal(err)
		}
		if state := connection.ConnectionState(); state.NegotiatedProtocol != "h2" {
			t.Errorf("%s: protocol %q", tls.VersionName(version), state.NegotiatedProtocol)
		}
	}
}
