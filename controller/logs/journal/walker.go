package journal

import (
	"slices"
	"strings"
	"time"

	"berth/controller/logs"
	"berth/controller/logs/stream"
)

// walker goes through one stream, chunk by chunk, in one direction.
type walker struct {
	stream logs.Stream
	query  logs.Query
	chunks []stream.Chunk // those that it has not looked at
	lines  []logs.Line    // those of the chunk that it looks at which are wanted and were not taken
	next   uint64         // its position: what is behind it, in its direction, was not passed
	passed uint64         // its position once the lines are taken
	at     time.Time      // when the next line is, or about when
	known  bool           // at is known
	memory []logs.Line    // of the lines, for the next chunk
}

// stepOlder looks at the next older chunk, and says how many bytes it read.
func (w *walker) stepOlder() (int, error) {
	chunk := w.chunks[0]
	looked, err := w.look(chunk, func(l logs.Line) bool { return l.Number < w.next })
	slices.Reverse(w.lines)
	w.passed = chunk.First
	w.settle(chunk.From)
	return looked, err
}

// stepNewer looks at the next newer chunk, and says how many bytes it read.
func (w *walker) stepNewer() (int, error) {
	chunk := w.chunks[0]
	looked, err := w.look(chunk, func(l logs.Line) bool { return l.Number >= w.next })
	w.passed = chunk.First + uint64(chunk.Lines)
	w.settle(chunk.To)
	return looked, err
}

// look takes the lines of the next chunk that are wanted.
func (w *walker) look(chunk stream.Chunk, behind func(logs.Line) bool) (int, error) {
	w.chunks, w.lines, w.known = w.chunks[1:], nil, true
	if !w.query.Since.IsZero() && chunk.To.Before(w.query.Since) || !w.query.Until.IsZero() && !chunk.From.Before(w.query.Until) {
		return 0, nil
	}
	raw, err := chunk.Load()
	if err != nil {
		return 0, err
	}
	// Colours may stand in the middle of a text that is searched for.
	if strings.IndexByte(raw, '\x1b') < 0 && !strings.Contains(raw, w.query.Text) {
		return len(raw), nil
	}
	all, err := chunk.Read(w.stream, raw, w.memory[:0])
	w.memory = all
	w.lines = slices.DeleteFunc(all, func(l logs.Line) bool { return !behind(l) || !w.query.Matches(l) })
	return len(raw), err
}

// settle says when the next line is: the first of the chunk, or none of it.
func (w *walker) settle(end time.Time) {
	if len(w.lines) == 0 {
		w.next, w.at = w.passed, end
		return
	}
	w.at = w.lines[0].At
}

// pop takes the next line.
func (w *walker) pop() logs.Line {
	line := w.lines[0]
	// A part of the chunk would keep all of it in memory.
	line.Text, line.Instance = strings.Clone(line.Text), strings.Clone(line.Instance)
	w.lines = w.lines[1:]
	if len(w.lines) == 0 {
		w.next = w.passed
		return line
	}
	w.at, w.next = w.lines[0].At, line.Number
	if w.lines[0].Number > line.Number {
		w.next++ // the position stands behind the line
	}
	return line
}
