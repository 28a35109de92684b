package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"berth/test/patience"
)

// listenHelper is the command helper listen, of which the test holds both ends.
type listenHelper struct {
	t     *testing.T
	input *os.File
	lines chan []netip.AddrPort
	ended chan error
}

// startListenHelper returns once the helper has said what listens already.
func startListenHelper(t *testing.T) *listenHelper {
	t.Helper()
	stdin, input, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	output, stdout := io.Pipe()
	h := &listenHelper{t: t, input: input, lines: make(chan []netip.AddrPort, 64), ended: make(chan error, 1)}
	go func() {
		p := &program{stdin: stdin, stdout: stdout, stderr: io.Discard}
		h.ended <- p.run(t.Context(), []string{"helper", "listen"})
		_ = stdout.Close()
	}()
	go func() {
		for read := bufio.NewScanner(output); read.Scan(); {
			var found []netip.AddrPort
			if err := json.Unmarshal(read.Bytes(), &found); err != nil {
				t.Errorf("%s: %v", read.Text(), err)
			}
			h.lines <- found
		}
	}()
	h.next()
	t.Cleanup(func() { _, _ = input.Close(), stdin.Close() })
	return h
}

// next is the next line.
func (h *listenHelper) next() []netip.AddrPort {
	h.t.Helper()
	select {
	case found := <-h.lines:
		return found
	case err := <-h.ended:
		h.t.Fatalf("the helper ended: %v", err)
	case <-time.After(patience.Of(10 * time.Second)):
		h.t.Fatal("the helper said nothing")
	}
	return nil
}

// until waits for a line in which the address is, or is not. Others on this machine
// come and go meanwhile.
func (h *listenHelper) until(at netip.AddrPort, listens bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience.Of(20 * time.Second)); time.Now().Before(deadline); {
		if slices.Contains(h.next(), at) == listens {
			return
		}
	}
	h.t.Fatalf("%s never changed", at)
}

func TestHelperListen_TellsEachChangeUntilItsInputEnds(t *testing.T) {
	t.Parallel()
	h := startListenHelper(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(listener.Addr().String())
	h.until(at, true)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	h.until(at, false)
	if err := h.input.Close(); err != nil { // as the engine does when the controller is gone
		t.Fatal(err)
	}
	select {
	case err := <-h.ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience.Of(10 * time.Second)):
		t.Error("it outlives its controller")
	}
}

func TestHelper_RefusesOtherWork(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"helper", "listen", "more"}, {"helper", "Listen"}, {"helper", "-x"}} {
		if err := run(t.Context(), arguments, nil, io.Discard, io.Discard); err == nil {
			t.Errorf("%q was taken", arguments)
		}
	}
}
