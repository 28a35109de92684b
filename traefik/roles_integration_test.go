//go:build integration

package traefik

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"berth/controller/gate"
)

// roleVariable makes the test's program play a part in a process of its own, so that
// what the part takes of the processors is not taken from the measured client.
const roleVariable = "BERTH_TEST_ROLE"

// roles are the parts. Each gets the arguments that its caller wrote, says ready in a
// line, with what the caller wants to know, and goes on until its input ends.
var roles = map[string]func(ctx context.Context, arguments []string, ready func(...any)) error{
	"gate": playGate, "drain": playDrain, "half": playHalf, "later": playLater, "streams": playStreams,
}

func TestMain(m *testing.M) {
	name, text, _ := strings.Cut(os.Getenv(roleVariable), " ")
	role := roles[name]
	if role == nil {
		if err := holdPlace(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := role(ctx, strings.Fields(text), func(words ...any) { fmt.Println(words...) }); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// played is a part that another process plays.
type played struct {
	t     *testing.T
	lines *bufio.Reader
	end   func()

	process *os.Process
}

func (p *played) signal(signal os.Signal) {
	p.t.Helper()
	if err := p.process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// play starts a part, with the lowest priority where it is the flood's.
func play(t *testing.T, niceness int, words ...any) *played {
	t.Helper()
	command := exec.Command("nice", "-n", strconv.Itoa(niceness), os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &played{t: t, process: command.Process, lines: bufio.NewReader(output), end: sync.OnceFunc(func() {
		_ = input.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("%v: %v", words, err)
		}
	})}
	t.Cleanup(p.end)
	return p
}

// hear waits for the next line of the part.
func (p *played) hear() []string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the part ended: %v", err)
	}
	return strings.Fields(line)
}

// playGate passes on to the two entry points of a proxy, which follow the gateway, and
// says its two addresses.
func playGate(ctx context.Context, from []string, ready func(...any)) error {
	gateway, proxy := from[0], from[1:]
	options := gate.Options{Machine: netip.MustParseAddr(gateway), Logger: slog.New(slog.DiscardHandler)}
	var addresses []any
	for place, entryPoint := range proxy {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses = append(addresses, listener.Addr())
		options.Doors = append(options.Doors, gate.Door{Listener: listener, Proxy: entryPoint, Secure: place == 1})
	}
	ready(addresses...)
	return gate.New(options).Run(ctx)
}

// playDrain is an app that answers when it has read a request to its end, as most do.
func playDrain(ctx context.Context, address []string, ready func(...any)) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(address[0], "0"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	ready(listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// from dials address from that one of loopback.
func from(local, address string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}, Timeout: 5 * time.Second}
	return dialer.Dial("tcp", address)
}

// flood opens so many connections of one address, a few at a time, and holds them until
// the end; the gate may have closed some of them long before.
func flood(ctx context.Context, arguments []string, ready func(...any), each func(net.Conn) error) error {
	local, address := arguments[0], arguments[1]
	count, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	ready("begun")
	held := make(chan net.Conn, count)
	var hands sync.WaitGroup
	for hand := range 8 {
		hands.Go(func() {
			for range count/8 + hand/8 {
				c, err := from(local, address)
				if err != nil || ctx.Err() != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				if err := each(c); err != nil {
					_ = c.Close()
					continue
				}
				held <- c
			}
		})
	}
	hands.Wait()
	ready("held", len(held))
	<-ctx.Done()
	return nil
}

const halfHead = "POST /app HTTP/1.1\r\nHost: a\r\nContent-Le"

func playHalf(ctx context.Context, arguments []string, ready func(...any)) error {
	return flood(ctx, arguments, ready, func(c net.Conn) error {
		_, err := io.WriteString(c, halfHead)
		return err
	})
}

// playLater ends one request of each connection, and half of the next.
func playLater(ctx context.Context, arguments []string, ready func(...any)) error {
	return flood(ctx, arguments, ready, func(c net.Conn) error {
		if _, err := io.WriteString(c, "GET /app HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		_, err = io.WriteString(c, halfHead)
		return err
	})
}

// playStreams opens a hundred streams on each connection, with requests that do not end.
func playStreams(ctx context.Context, arguments []string, ready func(...any)) error {
	return flood(ctx, arguments, ready, func(c net.Conn) error {
		secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		go func() { _, _ = io.Copy(io.Discard, secure) }()
		var said bytes.Buffer
		said.WriteString(http2.ClientPreface)
		framer := http2.NewFramer(&said, nil)
		if err := framer.WriteSettings(); err != nil {
			return err
		}
		for stream := range uint32(100) {
			if err := openStream(framer, 2*stream+1); err != nil {
				return err
			}
		}
		_, err := secure.Write(said.Bytes())
		return err
	})
}

func openStream(framer *http2.Framer, id uint32) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", "/slow"}, {":authority", "a"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return err
		}
	}
	err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
	if err != nil {
		return err
	}
	return framer.WriteData(id, false, []byte("a"))
}
