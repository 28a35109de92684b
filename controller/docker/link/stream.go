package link

import (
	"context"
	"errors"
	"io"
)

// Source is the build context on its way from the writer to the engine.
type Source struct {
	*io.PipeReader
	stop   context.CancelFunc
	result chan error
}

// Stream runs write in the background; finish must be called.
func Stream(ctx context.Context, write func(context.Context, io.Writer) error) *Source {
	ctx, stop := context.WithCancel(ctx)
	reader, writer := io.Pipe()
	result := make(chan error, 1)
	go func() {
		err := write(ctx, writer)
		// The engine must not take a context that was cut short for a whole one.
		_ = writer.CloseWithError(err)
		result <- err
	}()
	return &Source{PipeReader: reader, stop: stop, result: result}
}

// Finish ends the writer and returns its error. A context that nobody wanted to
// read to its end is none: the build was over before.
func (s *Source) Finish() error {
	select {
	case err := <-s.result:
		s.stop()
		return unlessUnread(err)
	default:
	}
	_ = s.Close()
	s.stop()
	err := <-s.result
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return unlessUnread(err)
}

func unlessUnread(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
