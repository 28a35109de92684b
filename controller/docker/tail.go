package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
	"berth/controller/docker/printed"
)

// TailOptions says which lines of an instance's output are wanted.
type TailOptions struct {
	Lines  int  // at most, from the end; 0 is none, negative all that is kept
	Follow bool // go on with what it prints from now on
	Since  time.Time
	// Patience is for how long the output may be silent before the engine is asked about it; zero is the usual time.
	Patience time.Duration
}

// Tail calls each for the lines of the instance's output, in order. An error of
// each ends it and is returned. With Follow it returns nil when the instance
// ends or is removed, and ErrUnavailable when the engine does not answer for it any more.
func (e *Engine) Tail(ctx context.Context, name string, options TailOptions, each func(Line) error) error {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return err
	}
	return e.tail(ctx, tailed{instance.ID, name}, options, func(ctx context.Context) error {
		_, err := e.Inspect(ctx, name)
		return err
	}, each)
}

// TailProxy is Tail for a container of the stack's proxy, by its id.
func (e *Engine) TailProxy(ctx context.Context, id string, options TailOptions, each func(Line) error) error {
	return e.tail(ctx, tailed{id, "the proxy"}, options, e.Ping, each)
}

// tailed is a container, and what messages and lines call it.
type tailed struct{ id, name string }

func (e *Engine) tail(ctx context.Context, of tailed, options TailOptions, ask func(context.Context) error, each func(Line) error) error {
	request := container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true,
		Follow: options.Follow,
		Tail:   tailCount(options.Lines),
	}
	if !options.Since.IsZero() {
		request.Since = options.Since.Format(time.RFC3339Nano)
	}
	patience := cmp.Or(options.Patience, e.patience)
	ctx, waiting, end := link.During(ctx, patience, func(ctx context.Context) error {
		if !options.Follow { // the engine has it all
			return link.Silent("the output of "+of.name, patience)
		}
		return ask(ctx)
	})
	defer end()
	stream, err := e.link.API(ctx).ContainerLogs(ctx, of.id, request)
	if err != nil {
		return link.Failure(ctx, "read output of "+of.name, err)
	}
	defer func() { _ = stream.Close() }()
	err = printed.Split(stream, func(line Line) error {
		waiting.Over()
		defer waiting.Begins()
		line.Instance = of.name
		return each(line)
	})
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return fmt.Errorf("read output of %s: %w", of.name, err)
}

func tailCount(lines int) string {
	if lines < 0 {
		return "all"
	}
	return strconv.Itoa(lines)
}
