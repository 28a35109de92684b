package docker

import (
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
}

// Tail calls each for the lines of the instance's output, in order. An error of
// each ends it and is returned. With Follow it returns nil when the instance
// ends or is removed, and ErrUnavailable when the engine does not answer for it any more.
func (e *Engine) Tail(ctx context.Context, name string, options TailOptions, each func(Line) error) error {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return err
	}
	request := container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true,
		Follow: options.Follow,
		Tail:   tailCount(options.Lines),
	}
	if !options.Since.IsZero() {
		request.Since = options.Since.Format(time.RFC3339Nano)
	}
	ctx, waiting, end := link.During(ctx, e.patience, func(ctx context.Context) error {
		if !options.Follow { // the engine has it all
			return link.Silent("the output of "+name, e.patience)
		}
		_, err := e.Inspect(ctx, name)
		return err
	})
	defer end()
	stream, err := e.link.API(ctx).ContainerLogs(ctx, instance.ID, request)
	if err != nil {
		return link.Failure(ctx, "read output of "+name, err)
	}
	defer func() { _ = stream.Close() }()
	err = printed.Split(stream, func(line Line) error {
		waiting.Over()
		defer waiting.Begins()
		line.Instance = name
		return each(line)
	})
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return fmt.Errorf("read output of %s: %w", name, err)
}

func tailCount(lines int) string {
	if lines < 0 {
		return "all"
	}
	return strconv.Itoa(lines)
}
