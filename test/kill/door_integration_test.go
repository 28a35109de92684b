//go:build integration

package kill

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/test/stack"
)

// door stands between the process and the engine, counts the calls that change the engine, and kills the process at one
// of them. Each call is two passes: before it is handed on, and after the engine has done it.
type door struct {
	engine *httputil.ReverseProxy

	mu     sync.Mutex
	passes []string
	last   time.Time // of the passes
	at     int       // which pass the process does not survive; 0 survives all
	kill   func()
	fell   chan struct{} // closed once it was killed; nil while nobody asks for it
}

// open opens the door at the socket, in front of the engine's own.
func open(t *testing.T, socket string) *door {
	t.Helper()
	engine, err := stack.EngineProxy()
	if err != nil {
		t.Fatal(err)
	}
	d := &door{engine: engine}
	engine.ModifyResponse = d.answered
	end, err := stack.ServeSocket(socket, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return d
}

// ServeHTTP hands a call on to the engine, unless the process dies before.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if changes(r) && d.pass("before", r) {
		panic(http.ErrAbortHandler)
	}
	d.engine.ServeHTTP(w, r)
}

// answered waits until the engine has done the whole call, and lets the process have the answer unless it dies before.
func (d *door) answered(response *http.Response) error {
	r := response.Request
	if !changes(r) {
		return nil
	}
	if response.StatusCode != http.StatusSwitchingProtocols && d.armed() {
		whole, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		response.Body = io.NopCloser(bytes.NewReader(whole))
	}
	if d.pass("after", r) {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// changes says whether the call changes anything in the engine, for this process or beyond it.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !waits.MatchString(r.URL.Path)
}

var waits = regexp.MustCompile(`/(wait|auth|session)$`)

// names are what differs from one run to the next.
var names = regexp.MustCompile(`^/v[0-9.]+|[0-9a-f]{64}|[a-z2-7]{12}$`)

// pass counts, and reports whether the process was killed here.
func (d *door) pass(when string, r *http.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passes = append(d.passes, when+" "+r.Method+" "+names.ReplaceAllString(r.URL.Path, ""))
	d.last = time.Now()
	if d.kill == nil || len(d.passes) != d.at {
		return false
	}
	d.kill()
	d.kill = nil
	close(d.fell)
	return true
}

func (d *door) armed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kill != nil
}

// arm counts from here on, and kills at the pass; the channel is closed when it has.
func (d *door) arm(at int, kill func()) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passes, d.last, d.at, d.kill, d.fell = nil, time.Now(), at, kill, make(chan struct{})
	return d.fell
}

func (d *door) disarm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kill = nil
}

// counted returns the passes since arm, and for how long there was none.
func (d *door) counted() (passes []string, quiet time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.passes), time.Since(d.last)
}
