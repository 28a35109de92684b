//go:build integration

package traefik

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// long is over twice what a request's head may take.
const long = 24 * time.Second

// patientApp counts what is sent, is silent for long in an answer, or says back.
func patientApp(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") != "":
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(connection, buffered)
	case r.Method == http.MethodPost:
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	default:
		fmt.Fprintln(w, "begun")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(long):
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "ended")
	}
}

// drops are 3 KB each second.
type drops struct{ left int }

func (d *drops) Read(buffer []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	d.left--
	time.Sleep(time.Second)
	return copy(buffer, strings.Repeat("a", 3000)), nil
}

func TestGate_SlowUploadsLongAnswersAndSilentUpgradesGoOn(t *testing.T) {
	g := startGated(t)
	app := target(t, "app", serve(t, http.HandlerFunc(patientApp)), "/app")
	g.publish(app)
	g.confirmAll(app)
	var all sync.WaitGroup
	for _, way := range []struct {
		base    string
		streams bool
	}{{"http://" + g.plain, false}, {"https://" + g.secure, false}, {"https://" + g.secure, true}} {
		client := &http.Client{Timeout: 3 * long, Transport: &http.Transport{
			ForceAttemptHTTP2: way.streams, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(_ context.Context, _, address string) (net.Conn, error) { return from("127.0.0.77", address) },
		}}
		expect := func(what, want string, response *http.Response, err error) {
			if err != nil {
				t.Errorf("%s, %s, streams %v: %v", what, way.base, way.streams, err)
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if string(body) != want || err != nil || (response.ProtoMajor == 2) != way.streams {
				t.Errorf("%s, %s, streams %v: %s answered %q, %v", what, way.base, way.streams, response.Proto, body, err)
			}
		}
		all.Go(func() {
			seconds := int(long / time.Second)
			response, err := client.Post(way.base+"/app", "text/plain", &drops{seconds})
			expect("upload", fmt.Sprint(3000*seconds), response, err)
		})
		all.Go(func() {
			response, err := client.Get(way.base + "/app")
			expect("answer", "begun\nended", response, err)
		})
	}
	all.Go(func() { expectEcho(t, g.plain) })
	all.Wait()
}

func expectEcho(t *testing.T, address string) {
	c, err := from("127.0.0.77", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * long))
	reader := bufio.NewReader(c)
	_, _ = io.WriteString(c, "GET /app HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("no upgrade: %v, %v", response, err)
		return
	}
	time.Sleep(long)
	_, _ = io.WriteString(c, "still here\n")
	if line, err := reader.ReadString('\n'); line != "still here\n" {
		t.Errorf("the upgrade says %q, %v", line, err)
	}
}
