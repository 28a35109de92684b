// Package printed reads what containers printed: line by line, and from where a reader left off.
package printed

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/docker/docker/pkg/stdcopy"

	"berth/controller/docker/link"
	"berth/controller/printable"
)

// Line is one line that an instance printed, safe to show.
type Line struct {
	At       time.Time
	Stderr   bool
	Text     string
	Instance string // that printed it
	// Coloured is the text with its colours as a terminal knows them; empty where it has none.
	Coloured string
}

// Split takes the engine's stream of frames apart: each frame is a timestamp, a
// space, and a line or a part of one.
func Split(stream io.Reader, each func(Line) error) error {
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
	drawn := link.LastDrawn(w.text.String())
	line := Line{At: w.at, Stderr: w.stderr, Text: printable.Plain(drawn), Coloured: printable.Coloured(drawn)}
	w.text.Reset()
	err := w.each(line)
	w.failed = err != nil
	return err
}
