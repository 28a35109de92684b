package link

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Silence ends a stream of the engine whose other end does not live any more. A stream
// has no deadline of its own, because an instance may print nothing for days: so where
// nothing came for as long as a call may take, ask says whether it is still worth to
// wait, and its error ends the stream.
type Silence struct {
	limit time.Duration
	timer *time.Timer
}

// During returns ctx for the stream. It ends, by its cause, with the first error of ask.
func During(ctx context.Context, limit time.Duration, ask func(context.Context) error) (context.Context, *Silence, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	s := &Silence{limit: limit}
	s.timer = time.AfterFunc(math.MaxInt64, func() {
		asking, cancel := Within(ctx, limit)
		defer cancel()
		if err := ask(asking); err != nil {
			end(err)
			return
		}
		s.Begins()
	})
	s.Begins()
	return ctx, s, func() {
		end(nil)
		s.timer.Stop()
	}
}

// Over is for something that came: what the receiver does with it is no silence.
func (s *Silence) Over() { s.timer.Stop() }

// Begins is for waiting for more.
func (s *Silence) Begins() { s.timer.Reset(s.limit) }

// Silent says that the engine sends nothing where it has to.
func Silent(what string, limit time.Duration) error {
	return fmt.Errorf("%w: nothing of %s came for %v", ErrUnavailable, what, limit)
}
