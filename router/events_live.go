package router

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"berth/controller/event"
	"berth/controller/limit"
	"berth/controller/pause"
	"berth/controller/problem"
)

const (
	liveLook     = 2 * time.Second // between two looks where nothing tells of a change
	livePause    = 250 * time.Millisecond
	liveAtOnce   = 100     // events of one look
	liveMostRead = 4 << 10 // bytes of a client's message
)

// asksForSocket reports whether a client asks to go on over a WebSocket.
func asksForSocket(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Upgrade"), func(text string) bool { return strings.EqualFold(text, "websocket") })
}

// liveEvents are the events over one WebSocket: each is one message, in order, from behind
// the cursor of the address or from now on. Nothing is read from the client, whose messages
// are counted: more than the limit, or a token that has ended, ends the connection.
func (a *admin) liveEvents(v *visit, filter event.Filter) error {
	after := v.cursor("after")
	if after == 0 {
		newest, err := a.events.ListEvents(v.context(), event.Filter{}, event.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(newest) > 0 {
			after = newest[0].ID
		}
	}
	socket, err := websocket.Accept(v.gin.Writer, v.request(), nil)
	if err != nil {
		// It has answered. An error of a client that speaks no WebSocket is nobody else's.
		a.logger.DebugContext(v.context(), "open a WebSocket", "error", err)
		return nil
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(liveMostRead)
	ctx, cancel := context.WithCancelCause(v.context())
	defer cancel(nil)
	go func() { cancel(a.countMessages(ctx, v, socket)) }()
	return a.sendEvents(ctx, v, socket, filter, after)
}

// countMessages reads until the client is gone or sends too much.
func (a *admin) countMessages(ctx context.Context, v *visit, socket *websocket.Conn) error {
	for {
		if _, _, err := socket.Read(ctx); err != nil {
			return err
		}
		if _, err := a.take(v, limit.WebSocket); err != nil {
			_ = socket.Close(websocket.StatusPolicyViolation, "too many messages")
			return err
		}
	}
}

// sendEvents sends until ctx ends, the token does, or the client does not read.
func (a *admin) sendEvents(ctx context.Context, v *visit, socket *websocket.Conn, filter event.Filter, after int64) error {
	ticks, end := a.apps.Subscribe("")
	defer end()
	looks, beats := time.NewTicker(liveLook), time.NewTicker(heartbeat)
	defer looks.Stop()
	defer beats.Stop()
	for {
		last, err := a.sendNewer(ctx, socket, filter, after)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			_ = socket.Close(websocket.StatusInternalError, "the events cannot be read")
			return nil
		}
		if last > after { // there may be more
			after = last
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beats.C:
			if !a.tokenHolds(v) {
				_ = socket.Close(websocket.StatusPolicyViolation, "the token has ended")
				return nil
			}
			if !answersPing(ctx, socket) {
				return nil
			}
		case <-looks.C:
		case <-ticks:
			_ = pause.For(ctx, livePause) // ticks come in bursts
		}
	}
}

// answersPing reports whether the client is still there.
func answersPing(ctx context.Context, socket *websocket.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return socket.Ping(ctx) == nil
}

// sendNewer sends what comes next behind the cursor, and returns the cursor behind it.
func (a *admin) sendNewer(ctx context.Context, socket *websocket.Conn, filter event.Filter, after int64) (int64, error) {
	found, err := a.events.ListEvents(ctx, filter, event.Page{After: after, Limit: liveAtOnce})
	if err != nil {
		return after, err
	}
	for _, e := range slices.Backward(found) {
		text, err := json.Marshal(eventJSONOf(e))
		if err != nil {
			return after, err
		}
		writing, cancel := context.WithTimeout(ctx, writeTimeout)
		err = socket.Write(writing, websocket.MessageText, text)
		cancel()
		if err != nil {
			return after, err
		}
		after = e.ID
	}
	return after, nil
}

// noSocketFilter refuses what a live connection cannot do.
func noSocketFilter(filter event.Filter) error {
	if filter.From.IsZero() && filter.To.IsZero() {
		return nil
	}
	return problem.Invalid("Live events have no days.", "Ask for events of past days without a WebSocket.").At(filterFrom)
}
