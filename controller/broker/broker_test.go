package broker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/broker"
	"berth/controller/plan"
)

// attach asks for the connection of a helper.
func attach(t *testing.T, socket, uri string, headers ...string) (*net.UnixConn, *bufio.Reader, string) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(connection, "POST "+uri+" HTTP/1.1\r\nHost: x\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n")
	reader := bufio.NewReader(connection)
	line, err := reader.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for text := line; text != "\r\n"; {
		if text, err = reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return connection.(*net.UnixConn), reader, line
}

const attachHelper = "/v1.41/containers/berth-helper-x/attach?stream=1&stdin=1&stdout=1&stderr=1"

func TestBroker_CarriesBothWaysAndTheEndOfEach(t *testing.T) {
	t.Parallel()
	e := newEngine()
	heard := make(chan string, 1)
	e.upgrade = func(connection net.Conn) {
		defer connection.Close()
		line, _ := bufio.NewReader(connection).ReadString('\n')
		_, _ = io.WriteString(connection, strings.ToUpper(line))
		rest, _ := io.ReadAll(connection)
		heard <- string(rest)
		_, _ = io.WriteString(connection, "last words\n")
	}
	_, _, socket := serve(t, e)
	connection, reader, status := attach(t, socket, attachHelper, "Connection: Upgrade", "Upgrade: tcp")
	if !strings.Contains(status, "101") {
		t.Fatalf("the answer is %s", status)
	}
	_, _ = io.WriteString(connection, "hello\n")
	if line, err := reader.ReadString('\n'); line != "HELLO\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := connection.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest := <-heard; rest != "" {
		t.Errorf("the engine heard %q", rest)
	}
	if words, _ := io.ReadAll(reader); string(words) != "last words\n" {
		t.Errorf("after the end of the other side came %q", words)
	}
}

func TestBroker_GivesAConnectionOnlyWhereTheControllerNeedsOne(t *testing.T) {
	t.Parallel()
	e := newEngine()
	e.upgrade = func(connection net.Conn) { _ = connection.Close() }
	_, _, socket := serve(t, e)
	for name, request := range map[string][]string{
		"an app":                  {"/v1.41/containers/berth-hello-r1/attach?stream=1", "Connection: Upgrade", "Upgrade: tcp"},
		"another protocol":        {attachHelper, "Connection: Upgrade", "Upgrade: websocket"},
		"no protocol":             {attachHelper},
		"a call that has none":    {"/v1.41/containers/berth-berth/start", "Connection: Upgrade", "Upgrade: tcp"},
		"gRPC of the engine":      {"/v1.41/grpc", "Connection: Upgrade", "Upgrade: h2c"},
		"a body with no end told": {"/v1.41/containers/berth-hello-r1/start", "Transfer-Encoding: chunked"},
	} {
		if _, _, status := attach(t, socket, request[0], request[1:]...); !strings.Contains(status, "403") {
			t.Errorf("%s: %s", name, status)
		}
		if passed := e.taken(); len(passed) != 0 {
			t.Errorf("%s: passed on was %v", name, passed)
		}
	}
	if _, _, status := attach(t, socket, "/session", "Connection: Upgrade", "Upgrade: h2c", "X-Docker-Expose-Session-Uuid: x", "Cookie: secret", "X-Registry-Auth: secret"); !strings.Contains(status, "101") {
		t.Fatalf("a session: %s", status)
	}
	header := e.taken()[0].header
	if header.Get("X-Docker-Expose-Session-Uuid") != "x" || header.Get("Cookie") != "" || header.Get("X-Registry-Auth") != "" {
		t.Errorf("the session's headers are %v", header)
	}
}

func TestBroker_IsOpenToItsGroupAndNobodyElse(t *testing.T) {
	t.Parallel()
	_, _, socket := serve(t, newEngine())
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o660 {
		t.Errorf("the socket has mode %o", mode)
	}
}

// alone is a broker whose engine the test makes and takes away.
func alone(t *testing.T, engineSocket string) (client *http.Client, ended <-chan error, stop func()) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "broker.sock")
	door, err := broker.Listen(broker.Options{
		Listen: socket, Engine: engineSocket, Logger: slog.New(slog.DiscardHandler),
		Policy: broker.Policy{Stack: "berth", Pool: netip.MustParsePrefix("10.201.0.0/16"), Limits: plan.DefaultLimits()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	result := make(chan error, 1)
	go func() { result <- door.Run(ctx) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}, result, cancel
}

func TestBroker_EndsAWhileAfterTheEngineIsGone(t *testing.T) {
	t.Parallel()
	client, ended, _ := alone(t, filepath.Join(t.TempDir(), "engine.sock"))
	for range 2 { // an engine that ends closes its socket first: the door still answers
		response, err := client.Get("http://broker/_ping")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadGateway {
			t.Errorf("the answer is %s", response.Status)
		}
	}
	select {
	case err := <-ended:
		if !errors.Is(err, broker.ErrEngineGone) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

func TestBroker_StopClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "engine.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done() // it never answers
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	client, ended, stop := alone(t, path)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if response, err := client.Get("http://broker/_ping"); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-asked
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	<-answered
}
