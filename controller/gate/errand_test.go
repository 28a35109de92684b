package gate

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// errandTo asks from the address for a way to target, and returns the status.
func errandTo(t *testing.T, way, from, method, target string) int {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := dialer.Dial("tcp", way)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, method+" "+target+" HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestErrands_ServeTheProxyAloneAndNothingOfTheirOwn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	way := Errands{Listener: listener, Proxy: netip.MustParseAddr("127.0.0.2"), Logger: slog.New(slog.DiscardHandler)}
	go func() { done <- way.Run(ctx) }()
	address := listener.Addr().String()
	for what, got := range map[string][2]int{
		"a stranger":        {errandTo(t, address, "127.0.0.3", http.MethodConnect, address), http.StatusForbidden},
		"another method":    {errandTo(t, address, "127.0.0.2", http.MethodGet, "/"), http.StatusForbidden},
		"the gate's own":    {errandTo(t, address, "127.0.0.2", http.MethodConnect, address), http.StatusBadGateway},
		"no such authority": {errandTo(t, address, "127.0.0.2", http.MethodConnect, "127.0.0.1:1"), http.StatusBadGateway},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: status %d, want %d", what, got[0], got[1])
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
