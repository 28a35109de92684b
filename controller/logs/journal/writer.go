package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/logs"
	"berth/controller/logs/stream"
)

const (
	mostWaiting    = 1 << 20  // bytes of one writer that wait to be written
	mostAllWaiting = 32 << 20 // of all together
	muchWaiting    = mostWaiting / 4
	lineOverhead   = 150 // bytes of memory beside the text
)

// Writer adds lines to one stream. Each source of lines has its own, so that a source that
// prints much waits for itself alone.
type Writer struct {
	journal *Journal
	app     app.Name // its handle
	stream  logs.Stream
	space   chan struct{} // there is room again

	mu    sync.Mutex
	lines []logs.Line
	bytes int
}

// Writer returns a writer for a stream. Close must be called.
func (j *Journal) Writer(name app.Name, of logs.Stream) *Writer {
	w := &Writer{journal: j, app: j.Key(name), stream: of, space: make(chan struct{}, 1)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writers[w] = struct{}{}
	return w
}

// Add hands a line over. It waits while too many lines wait to be written.
func (w *Writer) Add(ctx context.Context, line logs.Line) error {
	for !w.offer(line) {
		select {
		case <-w.space:
		case <-time.After(writeEvery): // others may have had all the room
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (w *Writer) offer(line logs.Line) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(line.Text) + lineOverhead
	if w.bytes > 0 && (w.bytes+size > mostWaiting || w.journal.pending.Load() > mostAllWaiting) {
		w.journal.hasten()
		return false
	}
	w.lines, w.bytes = append(w.lines, line), w.bytes+size
	w.journal.pending.Add(int64(size))
	if w.bytes > muchWaiting {
		w.journal.hasten()
	}
	return true
}

func (j *Journal) hasten() {
	select {
	case j.hurry <- struct{}{}:
	default:
	}
}

// take returns the lines that wait, and makes room.
func (w *Writer) take() []logs.Line {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.journal.pending.Add(-int64(w.bytes))
	w.lines, w.bytes = nil, 0
	select {
	case w.space <- struct{}{}:
	default:
	}
	return lines
}

// Close waits until the lines are written, or ctx ends: the source reads those again then.
func (w *Writer) Close(ctx context.Context) {
	_ = w.journal.Sweep(ctx)
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	w.journal.pending.Add(-int64(w.bytes))
	delete(w.journal.writers, w)
}

// place is a stream of an app.
type place struct {
	app    app.Name
	stream logs.Stream
}

// write appends the lines that wait, those of one stream in the order of their times.
func (j *Journal) write() {
	j.mu.RLock()
	waiting := make(map[place][]logs.Line)
	for w := range j.writers {
		if lines := w.take(); len(lines) > 0 {
			at := place{w.app, w.stream}
			waiting[at] = append(waiting[at], lines...)
		}
	}
	j.mu.RUnlock()
	for at, lines := range waiting {
		slices.SortStableFunc(lines, func(a, b logs.Line) int { return a.At.Compare(b.At) })
		if kept := j.open(at.app, at.stream); kept != nil {
			j.append(at, kept, lines)
			j.board.Notify(at.app)
		}
	}
}

// append keeps the lines. Where the disk takes none, the log says how many there were as soon as it takes some again.
func (j *Journal) append(at place, to *stream.Stream, lines []logs.Line) {
	missing := j.unwritten[at]
	if missing > 0 {
		said := logs.Line{At: lines[0].At, Lost: true, Text: fmt.Sprintf("%d lines could not be written here.", missing)}
		if _, err := to.Append([]logs.Line{said}); err != nil {
			j.unwritten[at] += len(lines)
			return
		}
		delete(j.unwritten, at)
	}
	kept, err := to.Append(lines)
	if err == nil {
		return
	}
	j.unwritten[at] = len(lines) - kept
	j.options.Logger.Warn("lines of a log are not kept", "app", at.app, "stream", at.stream, "error", err)
}
