package router

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"berth/controller/app"
)

const (
	heartbeat    = 15 * time.Second // so that a proxy between keeps the stream, and a dead one is noticed
	writeTimeout = 20 * time.Second // for one event to a slow reader
)

// sessionLook is how soon a stream notices that its session has ended.
const sessionLook = 2 * time.Second

// liveAnswer is an answer that is sent while it is made.
type liveAnswer struct {
	writer     gin.ResponseWriter
	controller *http.ResponseController
}

func openLive(v *visit, media string) liveAnswer {
	header := v.gin.Writer.Header()
	header.Set("Content-Type", media)
	header.Set("X-Accel-Buffering", "no")
	v.gin.Status(http.StatusOK)
	return liveAnswer{writer: v.gin.Writer, controller: http.NewResponseController(v.gin.Writer)}
}

// end gives the connection back without a deadline: the next request on it has
// nothing to do with this one.
func (l liveAnswer) end() { _ = l.controller.SetWriteDeadline(time.Time{}) }

func (l liveAnswer) write(text string) error {
	// Not every connection has deadlines; those without need none.
	_ = l.controller.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := l.writer.WriteString(text); err != nil {
		return err
	}
	l.writer.Flush()
	return nil
}

// eventStream writes server-sent events.
type eventStream struct{ liveAnswer }

func openStream(v *visit) *eventStream {
	return &eventStream{openLive(v, "text/event-stream; charset=utf-8")}
}

// send writes one event. The id, where there is one, comes back in the
// Last-Event-ID of a reader that lost the stream. Data may have many lines.
func (s *eventStream) send(event, id, data string) error {
	var text strings.Builder
	text.WriteString("event: " + event + "\n")
	if id != "" {
		text.WriteString("id: " + id + "\n")
	}
	// A carriage return ends a line for an event stream too; HTML does not need it.
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", ""), "\n") {
		text.WriteString("data: " + line + "\n")
	}
	text.WriteString("\n")
	return s.write(text.String())
}

// beat writes what readers ignore.
func (s *eventStream) beat() error { return s.write(":\n\n") }

// handleStream runs the handler of a stream until it is done or the session has
// ended, by whomever: also another process can end one.
func (a *admin) handleStream(v *visit) error {
	ctx, cancel := context.WithCancel(v.context())
	defer cancel()
	v.gin.Request = v.gin.Request.WithContext(ctx)
	id := v.session().ID()
	go func() {
		looks := time.NewTicker(sessionLook)
		defer looks.Stop()
		for a.sessions.holds(ctx, id) {
			select {
			case <-ctx.Done():
				return
			case <-looks.C:
			}
		}
		cancel()
	}()
	return v.route.handle(v)
}

// watching says when a stream has a look.
type watching struct {
	topic app.Name      // ticks of this app, or of all where it is empty
	pause time.Duration // least time between two looks: ticks come in bursts
	every time.Duration // longest time between two looks
}

// watch calls look at once, and then whenever something may have changed, until
// it is done, the reader goes away, or the session ends.
func (a *admin) watch(v *visit, w watching, look func(*eventStream) (done bool, err error)) error {
	ticks, cancel := a.apps.Subscribe(w.topic)
	defer cancel()
	stream := openStream(v)
	defer stream.end()
	if err := stream.beat(); err != nil {
		return err
	}
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	looks := time.NewTicker(w.every)
	defer looks.Stop()
	gone := v.context().Done()
	for {
		done, err := look(stream)
		if done || err != nil {
			return err
		}
		select {
		case <-gone:
			return nil
		case <-time.After(w.pause):
		}
		for waiting := true; waiting; {
			select {
			case <-gone:
				return nil
			case <-ticks:
				waiting = false
			case <-looks.C:
				waiting = false
			case <-beats.C:
				if err := stream.beat(); err != nil {
					return err
				}
			}
		}
	}
}
