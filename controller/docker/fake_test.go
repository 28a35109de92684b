package docker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeEngine answers as an engine does what a test lets it answer, and keeps what
// was asked. It is for what a real engine does not do when told to.
type fakeEngine struct {
	mutex   sync.Mutex
	asked   []string // "METHOD /path", without the version
	answers map[string]http.HandlerFunc
	hangs   bool // instead of answering a ping
}

// openFake returns an engine of the stack "berth" that speaks with the answers, by
// "METHOD /path". What has none does not exist.
func openFake(t *testing.T, answers map[string]http.HandlerFunc) (*Engine, *fakeEngine) {
	t.Helper()
	fake := &fakeEngine{answers: answers}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	engine, err := Open(Options{Host: "tcp://" + server.Listener.Addr().String(), SubnetPool: somePool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine, fake
}

// ServeHTTP answers one request.
func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1.") {
		_, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "/" + path
	}
	request := r.Method + " " + path
	if path == "/_ping" {
		if f.isHanging() {
			hanging(w, r)
		}
		w.Header().Set("Api-Version", "1.41")
		return
	}
	f.mutex.Lock()
	f.asked = append(f.asked, request)
	f.mutex.Unlock()
	if answer, found := f.answers[request]; found {
		answer(w, r)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": "no such thing"})
}

// hang lets no ping through any more.
func (f *fakeEngine) hang() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.hangs = true
}

func (f *fakeEngine) isHanging() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.hangs
}

// wasAsked reports whether the request came.
func (f *fakeEngine) wasAsked(request string) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Contains(f.asked, request)
}

// answerJSON answers with the value.
func answerJSON(value any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
}
