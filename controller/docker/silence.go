package docker

import (
	"context"
	"fmt"
	"math"
	"time"
)

// silence ends a stream of the engine whose other end does not live any more. A stream
// has no deadline of its own, because an instance may print nothing for days: so where
// nothing came for as long as a call may take, ask says whether it is still worth to
// wait, and its error ends the stream.
type silence struct {
	limit time.Duration
	timer *time.Timer
}

// during returns ctx for the stream. It ends, by its cause, with the first error of ask.
func during(ctx context.Context, limit time.Duration, ask func(context.Context) error) (context.Context, *silence, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	s := &silence{limit: limit}
	s.timer = time.AfterFunc(math.MaxInt64, func() {
		asking, cancel := within(ctx, limit)
		defer cancel()
		if err := ask(asking); err != nil {
			end(err)
			return
		}
		s.begins()
	})
	s.begins()
	return ctx, s, func() {
		end(nil)
		s.timer.Stop()
	}
}

// over is for something that came: what the receiver does with it is no silence.
func (s *silence) over() { s.timer.Stop() }

// begins is for waiting for more.
func (s *silence) begins() { s.timer.Reset(s.limit) }

// silent says that the engine sends nothing where it has to.
func silent(what string, limit time.Duration) error {
	return fmt.Errorf("%w: nothing of %s came for %v", ErrUnavailable, what, limit)
}
