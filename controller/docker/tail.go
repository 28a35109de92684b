package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"berth/controller/docker/link"
	"berth/controller/printable"
)

// TailOptions says which lines of an instance's output are wanted.
type TailOptions struct {
	Lines  int  // at most, from the end; 0 is none, negative all that is kept
	Follow bool // go on with what it prints from now on
	Since  time.Time
}

// Line is one line that an instance printed, safe to show.
type Line struct {
	At       time.Time
	Stderr   bool
	Text     string
	Instance string // that printed it
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
	err = split(stream, func(line Line) error {
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

// split takes the engine's stream of frames apart: each frame is a timestamp, a
// space, and a line or a part of one.
func split(stream io.Reader, each func(Line) error) error {
	stdout := &lineWriter{each: each}
	stderr := &lineWriter{each: each, stderr: true}
	_, err := stdcopy.StdCopy(stdout, stderr, stream)
	// The first failure of each is what ended the copy, wrapped by nothing.
	return errors.Join(err, stdout.flush(), stderr.flush())
}

// lineWriter makes lines of one output. The engine cuts long lines into
// messages, which arrive one a Write, each with a timestamp.
type lineWriter struct {
	each   func(Line) error
	stderr bool
	failed bool
	at     time.Time
	text   strings.Builder
}

// Write takes one message of the engine.
func (w *lineWriter) Write(message []byte) (int, error) {
	stamp, text, _ := strings.Cut(string(message), " ")
	if w.text.Len() == 0 {
		w.at = link.EngineTime(stamp)
	}
	whole := strings.HasSuffix(text, "\n")
	w.text.WriteString(strings.TrimSuffix(text, "\n"))
	if !whole && w.text.Len() < link.PartialLimit {
		return len(message), nil
	}
	if err := w.emit(); err != nil {
		return 0, err
	}
	return len(message), nil
}

// flush emits what was left without an end of line.
func (w *lineWriter) flush() error {
	if w.failed || w.text.Len() == 0 {
		return nil
	}
	return w.emit()
}

func (w *lineWriter) emit() error {
	line := Line{At: w.at, Stderr: w.stderr, Text: printable.Plain(link.LastDrawn(w.text.String()))}
	w.text.Reset()
	err := w.each(line)
	w.failed = err != nil
	return err
}
