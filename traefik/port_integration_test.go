//go:build integration

package traefik

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

// The public ports of these tests, one of which would need a privilege elsewhere.
var (
	sshPort    = Port{22, TCP}
	sparePort  = Port{2223, TCP}
	gamePort   = Port{25565, UDP}
	spareGame  = Port{25566, UDP}
	portsTaken = []Port{sshPort, sparePort, gamePort, spareGame}
)

// speakFirst is a server that greets with its name, as SSH does, and then echoes.
func speakFirst(t *testing.T, name string) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(testGateway, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				_, _ = io.WriteString(connection, name+"\n")
				_, _ = io.Copy(connection, connection)
			}()
		}
	}()
	return listener.Addr().String()
}

// answerDatagrams is a server that answers each datagram with its name.
func answerDatagrams(t *testing.T, name string) (address string) {
	t.Helper()
	socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", net.JoinHostPort(testGateway, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			_, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo([]byte(name), from)
		}
	}()
	return socket.LocalAddr().String()
}

func dialPort(t *testing.T, port Port) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: patience.Of(5 * time.Second)}
	connection, err := dialer.DialContext(t.Context(), string(port.Protocol), net.JoinHostPort(testAddress, strconv.Itoa(int(port.Number))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// greeting is what a new connection hears first; empty where it is closed.
func greeting(t *testing.T, port Port) string {
	t.Helper()
	return hear(t, dialPort(t, port))
}

func hear(t *testing.T, connection net.Conn) string {
	t.Helper()
	_ = connection.SetReadDeadline(time.Now().Add(patience.Of(10 * time.Second)))
	buffer := make([]byte, 100)
	n, err := connection.Read(buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection was neither answered nor closed")
	}
	return strings.TrimSpace(string(buffer[:n]))
}

// asked is the answer to a datagram from a new socket; empty where there is none.
func asked(t *testing.T, port Port) string {
	t.Helper()
	connection := dialPort(t, port)
	buffer := make([]byte, 100)
	for range 3 { // a datagram may be lost
		_, _ = io.WriteString(connection, "ping")
		_ = connection.SetReadDeadline(time.Now().Add(patience.Of(500 * time.Millisecond)))
		if n, err := connection.Read(buffer); err == nil {
			return string(buffer[:n])
		}
	}
	return ""
}

// forward publishes and confirms where each port leads; one that is not named leads nowhere.
func (p *proxy) forward(forwards ...Forward) {
	p.t.Helper()
	table := Table{Targets: []Target{target(p.t, "git", "unused:1", "/git")}}
	named := make(map[Port]bool)
	for _, forward := range forwards {
		named[forward.Port] = true
		table.Forwards = append(table.Forwards, forward)
	}
	for _, port := range portsTaken {
		if !named[port] {
			table.Forwards = append(table.Forwards, Forward{Port: port})
		}
	}
	configuration, err := Generate(table)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := NewPublisher(p.folder).Publish(configuration); err != nil {
		p.t.Fatal(err)
	}
	if err := p.client.ConfirmAll(p.t.Context(), table); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log())
	}
	part, _ := table.Only("git", 1)
	if err := p.client.Confirm(p.t.Context(), part); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log())
	}
	if err := settle(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func TestPublicPorts_LeadToTheAppAndToNobodyElse(t *testing.T) {
	p := startProxyWith(t, func(p *proxy) { p.options.Ports = portsTaken })
	to := func(port Port, address string) Forward {
		return Forward{Port: port, App: "git", Release: 1, Address: address}
	}
	old, next := speakFirst(t, "old"), speakFirst(t, "next")
	game := answerDatagrams(t, "game")

	p.forward(to(sshPort, old), to(gamePort, game))
	kept := dialPort(t, sshPort)
	if got := hear(t, kept); got != "old" {
		t.Errorf("the port answers %q", got)
	}
	if got := asked(t, gamePort); got != "game" {
		t.Errorf("the port over UDP answers %q", got)
	}
	closed := dialPort(t, sparePort)
	fmt.Fprint(closed, "GET / HTTP/1.1\r\nHost: hello\r\n\r\n")
	if got := hear(t, closed); got != "" {
		t.Errorf("a port of nobody answers HTTP with %q", got)
	}
	if got := asked(t, spareGame); got != "" {
		t.Errorf("a port of nobody over UDP answers %q", got)
	}

	p.forward(to(sshPort, next), to(gamePort, answerDatagrams(t, "new game")))
	if got := greeting(t, sshPort); got != "next" {
		t.Errorf("after the move, the port answers %q", got)
	}
	if got := asked(t, gamePort); got != "new game" {
		t.Errorf("after the move, the port over UDP answers %q", got)
	}
	fmt.Fprintln(kept, "still here")
	if got := hear(t, kept); got != "still here" {
		t.Errorf("the connection to the old instance was cut: %q", got)
	}

	p.forward()
	if got := greeting(t, sshPort); got != "" {
		t.Errorf("a closed port answers %q", got)
	}
	if got := asked(t, gamePort); got != "" {
		t.Errorf("a closed port over UDP answers %q", got)
	}
}

func TestPublicPorts_AdmitTheAllowedAddressesOnlyAndBoundEachOne(t *testing.T) {
	p := startProxyWith(t, func(p *proxy) { p.options.Ports = portsTaken })
	forward := Forward{Port: sshPort, App: "git", Release: 1, Address: speakFirst(t, "git"), Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	p.forward(forward)
	if got := greeting(t, sshPort); got != "" {
		t.Errorf("an address that is not allowed hears %q", got)
	}
	forward.Allow = []netip.Prefix{netip.MustParsePrefix(testSubnet)}
	p.forward(forward)
	open := 0
	for range MaxPortConnections + 10 {
		if greeting(t, sshPort) != "" {
			open++
		}
	}
	if open != MaxPortConnections {
		t.Errorf("%d connections of one address are open", open)
	}
}

func TestConfirm_SeesAPortThatLeadsElsewhere(t *testing.T) {
	p := startProxyWith(t, func(p *proxy) { p.options.Ports = portsTaken })
	p.forward(Forward{Port: sshPort, App: "git", Release: 1, Address: "one:22"}, Forward{Port: gamePort, App: "git", Release: 1, Address: "one:25565"})
	for _, port := range []Port{sshPort, gamePort} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		table := Table{Forwards: []Forward{{Port: port, App: "git", Release: 2, Address: "two:22"}}}
		if err := p.client.Confirm(ctx, table); err == nil {
			t.Errorf("%s is confirmed at another address", port)
		}
		cancel()
	}
}
