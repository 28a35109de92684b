package broker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

// write sends a request as it is written, and gives the status of the answer. It goes on
// with more, a byte at a time, until it is answered.
func write(t *testing.T, socket, head string, more io.Reader, pause time.Duration) (status int) {
	t.Helper()
	connection, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, head); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		one := make([]byte, 1)
		for {
			select {
			case <-answered:
				return
			case <-time.After(pause):
			}
			n, err := more.Read(one)
			if _, broken := connection.Write(one[:n]); broken != nil || err != nil {
				return
			}
		}
	}()
	_ = connection.SetReadDeadline(time.Now().Add(patience.Of(5 * time.Second)))
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	close(answered)
	if err != nil {
		t.Errorf("no answer in time: %v", err)
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestBroker_DoesNotWaitForABodyThatDoesNotComeOrEnd(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(instance())
	if err != nil {
		t.Fatal(err)
	}
	const (
		post  = "POST " + createInstance + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		start = "POST /v1.41/containers/berth-hello-r1/start HTTP/1.1\r\nHost: x\r\n"
	)
	chunk := fmt.Sprintf("1000\r\n%s\r\n", strings.Repeat(" ", 0x1000))
	for name, test := range map[string]struct {
		head  string
		more  io.Reader
		pause time.Duration
		want  int
	}{
		"one byte a second":                {post + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(text)), strings.NewReader(string(text)), time.Second, http.StatusRequestTimeout},
		"one byte a second, chunked":       {post + "Transfer-Encoding: chunked\r\n\r\n", strings.NewReader(strings.Repeat("1\r\n \r\n", 1000)), time.Second, http.StatusRequestTimeout},
		"nothing after the head":           {post + "Content-Length: 100\r\n\r\n", neverReads{}, time.Second, http.StatusRequestTimeout},
		"chunked, without an end":          {post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 65), neverReads{}, time.Second, http.StatusRequestEntityTooLarge},
		"a length above the bound":         {post + "Content-Length: 262145\r\n\r\n", neverReads{}, time.Second, http.StatusRequestEntityTooLarge},
		"the length 0 with a body":         {post + "Content-Length: 0\r\n\r\n" + string(text), neverReads{}, time.Second, http.StatusForbidden},
		"no length with a body":            {post + "\r\n" + string(text), neverReads{}, time.Second, http.StatusForbidden},
		"two lengths":                      {post + fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s", len(text), text), neverReads{}, time.Second, http.StatusBadRequest},
		"a length below zero":              {post + "Content-Length: -1\r\n\r\n" + string(text), neverReads{}, time.Second, http.StatusBadRequest},
		"a chunk that is no number":        {post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + string(text), neverReads{}, time.Second, http.StatusBadRequest},
		"a body where there is none, slow": {start + "Content-Length: 5\r\n\r\n", strings.NewReader("{    "), time.Second, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine()
			_, _, socket := serve(t, e)
			if got := write(t, socket, test.head, test.more, test.pause); got != test.want {
				t.Errorf("the answer is %d, want %d", got, test.want)
			}
			if passed := e.taken(); len(passed) != 0 {
				t.Errorf("passed on was %v", passed)
			}
		})
	}
}

// neverReads is a client that says no more.
type neverReads struct{}

func (neverReads) Read([]byte) (int, error) { return 0, nil }
