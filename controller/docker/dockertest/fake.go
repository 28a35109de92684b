package dockertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Fake answers as an engine does what a test lets it answer, and keeps what
// was asked. It is for what a real engine does not do when told to.
type Fake struct {
	mutex   sync.Mutex
	asked   []string // "METHOD /path", without the version
	answers map[string]http.HandlerFunc
	hangs   bool // instead of answering a ping
}

// Serve starts a fake that speaks with the answers, by "METHOD /path", until the test
// ends, and returns its address. What has no answer does not exist.
func Serve(t *testing.T, answers map[string]http.HandlerFunc) (host string, fake *Fake) {
	t.Helper()
	fake = &Fake{answers: answers}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String(), fake
}

// ServeHTTP answers one request.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1.") {
		_, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "/" + path
	}
	request := r.Method + " " + path
	if path == "/_ping" {
		if f.isHanging() {
			Hanging(w, r)
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

// Hang lets no ping through any more.
func (f *Fake) Hang() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.hangs = true
}

func (f *Fake) isHanging() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.hangs
}

// WasAsked reports whether the request came.
func (f *Fake) WasAsked(request string) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Contains(f.asked, request)
}

// Asked returns what was asked, each as "METHOD /path", in order.
func (f *Fake) Asked() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.asked)
}

// Hanging is an engine that lets the request hang until its caller goes.
func Hanging(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// AnswerJSON answers with the value.
func AnswerJSON(value any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
}
