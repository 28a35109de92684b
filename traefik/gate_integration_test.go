//go:build integration

package traefik

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/gate"
)

// gated is the real proxy behind a gate that runs in the test, which sees the
// addresses of loopback that clients come from.
type gated struct {
	*proxy
	plain, secure string
}

func startGated(t *testing.T) gated {
	t.Helper()
	p := startProxyWith(t, func(p *proxy) { p.options.Gate = netip.MustParseAddr(testGateway) }, "GOMEMLIMIT=400MiB")
	g := gated{proxy: p}
	options := gate.Options{Machine: netip.MustParseAddr(testGateway), Logger: slog.New(slog.DiscardHandler)}
	for _, port := range []int{WebPort, WebsecurePort} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		options.Doors = append(options.Doors, gate.Door{
			Listener: listener, Proxy: net.JoinHostPort(testAddress, strconv.Itoa(port)), Secure: port == WebsecurePort,
		})
	}
	g.plain, g.secure = options.Doors[0].Listener.Addr().String(), options.Doors[1].Listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- gate.New(options).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return g
}

// from dials address from that one of loopback.
func from(local, address string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}, Timeout: 5 * time.Second}
	return dialer.Dial("tcp", address)
}

// clientFrom asks each time anew.
func clientFrom(local string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(_ context.Context, _, address string) (net.Conn, error) { return from(local, address) },
	}}
}

// p95 asks for /app so often and returns how long nearly all answers took.
func (g gated) p95(client *http.Client, times int) time.Duration {
	g.t.Helper()
	var took []time.Duration
	for range times {
		begin := time.Now()
		response, err := client.Get("http://" + g.plain + "/app")
		if err != nil {
			g.t.Error(err)
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			g.t.Errorf("status %d", response.StatusCode)
		}
		took = append(took, time.Since(begin))
	}
	if len(took) == 0 {
		return time.Hour
	}
	slices.Sort(took)
	return took[len(took)*95/100]
}

// memoryMiB is what the engine counts for the proxy now.
func (g gated) memoryMiB() float64 {
	g.t.Helper()
	used, _, _ := strings.Cut(docker(g.t, "stats", "--no-stream", "--format", "{{.MemUsage}}", g.name), " ")
	for unit, factor := range map[string]float64{"GiB": 1024, "MiB": 1, "KiB": 1.0 / 1024} {
		if number, found := strings.CutSuffix(used, unit); found {
			value, err := strconv.ParseFloat(number, 64)
			if err == nil {
				return value * factor
			}
		}
	}
	g.t.Fatalf("what is %q", used)
	return 0
}

func (g gated) expectAlive() {
	g.t.Helper()
	state := docker(g.t, "inspect", "--format", "{{.State.Running}} {{.State.OOMKilled}} {{.RestartCount}}", g.name)
	if state != "true false 0" {
		g.t.Errorf("the proxy is %s", state)
	}
}

func TestGate_HalfSentRequestsOfOneAddressLeaveTheProxyAndOthersAlone(t *testing.T) {
	g := startGated(t)
	app := target(t, "app", backend(t, "app"), "/app")
	g.publish(app)
	g.confirmAll(app)
	other := clientFrom("127.0.0.77")
	usual := g.p95(other, 200)

	const waves, each = 10, 2000
	stop, flooded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(flooded)
		for range waves {
			var held []net.Conn
			for range each {
				c, err := from("127.0.0.66", g.plain)
				if err != nil {
					continue
				}
				_, _ = io.WriteString(c, "POST /app HTTP/1.1\r\nHost: a\r\nContent-Le")
				held = append(held, c)
			}
			for _, c := range held {
				_ = c.Close()
			}
		}
		<-stop
	}()
	during := g.p95(other, 300)
	close(stop)
	<-flooded
	memory := g.memoryMiB()
	t.Logf("p95 %s, %s while %d half-sent requests came; the proxy has %.0f MiB", usual, during, waves*each, memory)
	if during > 2*usual+20*time.Millisecond { // the flood itself runs on the same processors
		t.Errorf("p95 is %s, and was %s before", during, usual)
	}
	if memory > 256 {
		t.Errorf("the proxy has %.0f MiB", memory)
	}
	g.expectAlive()
}

func TestGate_AsManyHalfSentRequestsAsItPassesOnFitIntoTheProxy(t *testing.T) {
	g := startGated(t)
	app := target(t, "app", backend(t, "app"), "/app")
	g.publish(app)
	g.confirmAll(app)
	before := g.memoryMiB()
	var mu sync.Mutex
	var held []net.Conn
	var floods sync.WaitGroup
	for address := range 20 { // more than there is room for in all
		floods.Go(func() {
			for range 256 {
				c, err := from(fmt.Sprintf("127.0.1.%d", address+1), g.secure)
				if err != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
				_, _ = io.WriteString(secure, "POST /app HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 8<<10))
				mu.Lock()
				held = append(held, c)
				mu.Unlock()
			}
		})
	}
	floods.Wait()
	memory := g.memoryMiB()
	t.Logf("%.0f MiB, and %.0f MiB with %d half-sent requests behind handshakes", before, memory, len(held))
	if memory > 450 {
		t.Errorf("the proxy has %.0f of 512 MiB", memory)
	}
	if took := g.p95(clientFrom("127.0.0.77"), 50); took > 2*time.Second {
		t.Errorf("another address waits %s", took)
	}
	for _, c := range held {
		_ = c.Close()
	}
	g.expectAlive()
}

func TestGate_AppsSeeTheTrueClientAndNobodyElseSpeaksForOne(t *testing.T) {
	g := startGated(t)
	app := target(t, "app", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-Real-Ip"), " ", r.Header.Get("X-Forwarded-For"))
	})), "/app")
	g.publish(app)
	g.confirmAll(app)
	response, err := clientFrom("127.0.0.77").Get("http://" + g.plain + "/app")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "127.0.0.77 127.0.0.77" {
		t.Errorf("the app sees %q", body)
	}
	// From a client of the gate, and from the network of an app.
	reached := map[string]net.Conn{}
	for name, address := range map[string]string{"through the gate": g.plain} {
		c, err := from("127.0.0.77", address)
		if err != nil {
			t.Fatal(err)
		}
		reached[name] = c
	}
	c, err := net.Dial("tcp", net.JoinHostPort(otherAddress, strconv.Itoa(WebPort)))
	if err != nil {
		t.Fatal(err)
	}
	reached["beside the gate"] = c
	for name, c := range reached {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /app HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if all, _ := io.ReadAll(c); strings.Contains(string(all), "192.0.2.1") {
			t.Errorf("%s a client speaks for another: %s", name, all)
		}
	}
}
