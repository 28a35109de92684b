package gate

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berth/controller/connections"
)

func write(t *testing.T, folder string, ranges ...string) {
	t.Helper()
	prefixes := make([]netip.Prefix, 0, len(ranges))
	for _, text := range ranges {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	if err := WriteTrust(folder, prefixes); err != nil {
		t.Fatal(err)
	}
}

func TestTrust_FollowsTheFileAndKeepsWhatItKnowsIfTheFileIsBroken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	trust := NewTrust(folder, slog.New(slog.DiscardHandler))
	proxy, stranger := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.101.7")
	expect := func(what string, want bool) {
		t.Helper()
		if trust.look(); trust.Has(proxy) != want || trust.Has(stranger) {
			t.Errorf("%s: the proxy %t, the stranger %t", what, trust.Has(proxy), trust.Has(stranger))
		}
	}
	expect("without a file", false)
	write(t, folder, "198.51.100.0/24", "2001:db8::/32")
	expect("with the range", true)
	for _, broken := range []string{"0.0.0.0/0", "::/0", "everybody", "198.51.101.7/33"} {
		if err := os.WriteFile(filepath.Join(folder, trustName), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(broken, true)
	}
	write(t, folder)
	expect("with nobody", false)
	if (*Trust)(nil).Has(proxy) {
		t.Error("without a list somebody is trusted")
	}
}

// TestGate_ATrustedProxyHasItsOwnWayAndRoomForManyPeople: its connections lead to the
// other entry point, and the bound of one address does not hold for it.
func TestGate_ATrustedProxyHasItsOwnWayAndRoomForManyPeople(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	proxied := make(chan struct{}, 16)
	go func() {
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			proxied <- struct{}{}
			go func() {
				defer c.Close()
				_, _ = io.ReadFull(c, make([]byte, 16+12))
				ok(nil, c.(*net.TCPConn), bufio.NewReader(c))
			}()
		}
	}()
	folder := t.TempDir()
	write(t, folder, "127.0.0.9/32")
	limit := connections.Limit{Total: 100, PerAddress: 2, SharedLimit: 8, Grace: time.Hour}
	g := openTrusting(t, NewTrust(folder, slog.New(slog.DiscardHandler)), other.Addr().String(), false, Times{}, limit, ok)
	for range 8 {
		if c := g.dial("127.0.0.9", plainRequest); !answered(c) {
			t.Fatal("a connection of the trusted proxy has no answer")
		}
	}
	if len(proxied) != 8 || g.reached.Load() != 0 {
		t.Errorf("%d connections took its own way, %d the other", len(proxied), g.reached.Load())
	}
	expectCut(t, g.dial("127.0.0.9", plainRequest), "the ninth")
	for range 2 {
		if c := g.dial("127.0.0.8", plainRequest); !answered(c) {
			t.Fatal("a stranger has no answer")
		}
	}
	expectCut(t, g.dial("127.0.0.8", plainRequest), "a stranger's third")
	if len(proxied) != 8 || g.reached.Load() != 2 {
		t.Errorf("%d connections took its own way, %d the other", len(proxied), g.reached.Load())
	}
}

func TestTrust_RunReadsTheFileAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	trust := NewTrust(folder, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- trust.Run(t.Context()) }()
	write(t, folder, "198.51.100.7/32")
	deadline := time.Now().Add(patience)
	for !trust.Has(netip.MustParseAddr("198.51.100.7")) {
		if time.Now().After(deadline) {
			t.Fatal("the file was not read again")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
