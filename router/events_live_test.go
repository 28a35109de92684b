package router

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"berth/controller/event"
)

// comingEvents are events that come while somebody listens.
type comingEvents struct {
	mu  sync.Mutex
	all fakeEvents
}

func (c *comingEvents) ListEvents(ctx context.Context, filter event.Filter, page event.Page) ([]event.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.ListEvents(ctx, filter, page)
}

func (c *comingEvents) add(kind event.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := event.Event{ID: c.all[0].ID + 1, At: time.Now(), Kind: kind, App: "hello"}
	c.all = slices.Insert(c.all, 0, next)
}

// listenLive opens the WebSocket of the API.
func (s *site) listenLive(query string, token string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	address := s.request(http.MethodGet, apiEvents+query, nil).URL.String()
	socket, response, err := websocket.Dial(s.t.Context(), address, &websocket.DialOptions{HTTPClient: s.client, HTTPHeader: header})
	if err == nil {
		s.t.Cleanup(func() { _ = socket.CloseNow() })
	}
	return socket, response, err
}

func nextLive(t *testing.T, socket *websocket.Conn) eventJSON {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, text, err := socket.Read(ctx)
	var found eventJSON
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLiveEvents_ComeInOrderFromBehindTheCursorAndAsTheyHappen(t *testing.T) {
	t.Parallel()
	coming := &comingEvents{all: newFakeEvents()}
	s := newSite(t, func(o *Options) { o.Events = coming })
	all, _, err := s.listenLive("?after=117", readToken)
	if err != nil {
		t.Fatal(err)
	}
	failed, _, err := s.listenLive("?kind=release.failed", readToken)
	if err != nil {
		t.Fatal(err)
	}
	for id := int64(118); id <= 120; id++ {
		if found := nextLive(t, all); found.ID != id {
			t.Errorf("event %d came for %d", found.ID, id)
		}
	}
	coming.add(event.DiskLow)
	coming.add(event.ReleaseFailed)
	if found := nextLive(t, all); found.ID != 121 || found.Kind != event.DiskLow || found.Level != event.DiskLow.Level() {
		t.Errorf("got %+v", found)
	}
	if found := nextLive(t, failed); found.ID != 122 || found.App != "hello" {
		t.Errorf("the filtered one got %+v", found)
	}
}

func TestLiveEvents_ClientThatSendsTooMuchIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	socket, _, err := s.listenLive("", readToken)
	if err != nil {
		t.Fatal(err)
	}
	for range 31 {
		if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			break // it is cut off already
		}
	}
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("after 31 messages: %v", err)
	}
}

func TestLiveEvents_ThirtyMessagesAMinuteAreFine(t *testing.T) {
	t.Parallel()
	coming := &comingEvents{all: newFakeEvents()}
	s := newSite(t, func(o *Options) { o.Events = coming })
	socket, _, err := s.listenLive("", readToken)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if err := socket.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	coming.add(event.DiskLow)
	if found := nextLive(t, socket); found.ID != 121 {
		t.Errorf("got %+v", found)
	}
}

func TestLiveEvents_AreRefusedWithoutATokenOrForDays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, test := range []struct {
		query, token string
		status       int
	}{
		{"", "", http.StatusUnauthorized},
		{"", "no such token", http.StatusUnauthorized},
		{"?from=2026-11-01", readToken, http.StatusUnprocessableEntity},
		{"?kind=nothing", readToken, http.StatusUnprocessableEntity},
	} {
		_, response, err := s.listenLive(test.query, test.token)
		if err == nil || response == nil || response.StatusCode != test.status || !strings.Contains(err.Error(), "handshake") {
			t.Errorf("%q with %q: %v, %v", test.query, test.token, response, err)
		}
	}
}
