package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"berth/test/patience"
)

// eventsServer has one event, sends the next one over a WebSocket, and loses the connection.
// Over the second one it sends another event, and then ends the token.
type eventsServer struct {
	mu     sync.Mutex
	opened []string // the queries of the WebSockets
}

func (s *eventsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"events": [{"id": 7, "at": "2026-11-30T12:00:00Z", "kind": "disk.low", "detail": "5 GB are free."}]}`)
		return
	}
	s.mu.Lock()
	s.opened = append(s.opened, r.URL.RawQuery)
	times := len(s.opened)
	s.mu.Unlock()
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	text := fmt.Sprintf(`{"id": %d, "at": "2026-11-30T12:00:01Z", "kind": "release.failed", "app": "shop", "release": 3, "detail": "\u001b[2JThe build failed."}`, 7+times)
	_ = socket.Write(r.Context(), websocket.MessageText, []byte(text))
	if times == 1 {
		_ = socket.CloseNow()
		return
	}
	_ = socket.Close(websocket.StatusPolicyViolation, "the token has ended")
}

func TestEvents_AreFollowedOverALostConnection(t *testing.T) {
	t.Parallel()
	answers := &eventsServer{}
	server := httptest.NewServer(answers)
	defer server.Close()
	var out, notes bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(30*time.Second))
	defer cancel()
	err := run(ctx, []string{"events", "-f", "--kind", "release.failed", "--server", server.URL}, []string{"BERTH_TOKEN=token"}, &out, &notes)
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"5 GB are free.", "8  2026-11-30 12:00:01  release.failed  shop r3", "9  2026-11-30"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") || !strings.Contains(notes.String(), "opened again") {
		t.Errorf("printed %q, %q", out.String(), notes.String())
	}
	if want := []string{"after=7&kind=release.failed", "after=8&kind=release.failed"}; fmt.Sprint(answers.opened) != fmt.Sprint(want) {
		t.Errorf("asked for %v", answers.opened)
	}
}

func TestEvents_FollowingIsRefusedInWords(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"events", "-f", "--from", "2026-11-01"}, []string{"BERTH_TOKEN=token"}, io.Discard, io.Discard)
	var usage *usageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "leave out --from") {
		t.Errorf("got %v", err)
	}
}
