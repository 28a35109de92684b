// Package stream keeps one log in a folder: frames of zstd that are only appended to, and a
// tail of the newest lines. A crash leaves at most a torn end, which the next Open cuts off.
package stream

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"berth/controller/docker"
	"berth/controller/logs"
)

const (
	frameBytes   = 256 << 10 // of records, when the tail becomes a frame
	segmentBytes = 4 << 20
	segmentSpan  = 24 * time.Hour // a segment holds no more, so that what is too old can go
)

// Stream is one log. One goroutine writes; it is safe for concurrent readers.
type Stream struct {
	root   *os.Root
	folder string

	mu       sync.RWMutex
	segments []segment // oldest first; never changed in place but at the end
	tail     tail
	marks    map[string]docker.Cursor // how far each container was read, by its short id
}

// Open opens the log in a folder of the root, and makes the folder if needed.
func Open(root *os.Root, folder string) (*Stream, error) {
	if err := root.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	s := &Stream{root: root, folder: folder, marks: make(map[string]docker.Cursor)}
	segments, marks, err := readSegments(root, folder)
	if err != nil {
		return nil, err
	}
	s.segments = segments
	for instance, text := range marks {
		if mark, ok := docker.ParseCursor(text); ok {
			s.marks[instance] = mark
		}
	}
	next := uint64(1)
	if len(segments) > 0 {
		next = lastOf(segments).next()
	}
	s.tail, err = readTail(root, folder, next, s.note)
	return s, err
}

func lastOf(segments []segment) frame {
	frames := segments[len(segments)-1].frames
	return frames[len(frames)-1]
}

// note moves the mark of the line's container. A line about lost lines is no container's.
func (s *Stream) note(line logs.Line) {
	if line.Lost || line.Instance == "" {
		return
	}
	mark := s.marks[line.Instance]
	mark.Note(docker.Line{At: line.At, Stderr: line.Stderr, Instance: line.Instance})
	s.marks[line.Instance] = mark
}

// Mark is how far the output of a container was kept, by the short id that its lines have.
func (s *Stream) Mark(instance string) docker.Cursor {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.marks[instance].Clone()
}

// Forget drops the marks of containers that are gone.
func (s *Stream) Forget(gone func(instance string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for instance := range s.marks {
		if gone(instance) {
			delete(s.marks, instance)
		}
	}
}

// Append keeps lines. Where it fails, the lines of the frame under way are not kept; how many
// were is returned.
func (s *Stream) Append(lines []logs.Line) (kept int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kept < len(lines) {
		took := s.fit(lines[kept:])
		if err := s.write(lines[kept : kept+took]); err != nil {
			return kept, err
		}
		kept += took
		if s.tail.Raw >= frameBytes {
			if err := s.flush(); err != nil {
				return kept, err
			}
		}
	}
	return kept, nil
}

// fit is how many of the lines make the tail a whole frame.
func (s *Stream) fit(lines []logs.Line) int {
	room := frameBytes - s.tail.Raw
	for at, line := range lines {
		room -= len(line.Text) + recordFixed
		if room <= 0 {
			return at + 1
		}
	}
	return len(lines)
}

func (s *Stream) write(lines []logs.Line) error {
	var records []byte
	after := s.tail
	for _, line := range lines {
		before := len(records)
		records = appendRecord(records, line)
		after.note(line, len(records)-before)
	}
	if err := s.tail.write(s.root, records); err != nil {
		return err
	}
	s.tail = after
	for _, line := range lines {
		s.note(line)
	}
	return nil
}

// flush makes a frame of the tail.
func (s *Stream) flush() error {
	records, err := s.tail.records(s.root)
	if err != nil || s.tail.Lines == 0 {
		return err
	}
	known := meta{frame: s.tail.frame, Marks: make(map[string]string, len(s.marks))}
	for instance, mark := range s.marks {
		known.Marks[instance] = mark.String()
	}
	segments := slices.Clone(s.segments)
	if len(segments) == 0 || segments[len(segments)-1].full(known.frame) {
		segments = append(segments, segment{path: path.Join(s.folder, segmentName(known.First))})
	}
	if err := segments[len(segments)-1].add(s.root, known, records); err != nil {
		return err
	}
	s.segments = segments
	s.tail.frame = frame{First: known.next()}
	// A tail that stays behind is older than the frame, and is passed over.
	return s.root.WriteFile(s.tail.path, nil, 0o600)
}

func (s segment) full(next frame) bool {
	return s.size >= segmentBytes || len(s.frames) > 0 && time.Duration(next.To-s.frames[0].From) > segmentSpan
}

// Chunks are the parts of the log, the oldest first, and the number that the next line gets.
func (s *Stream) Chunks() (chunks []Chunk, next uint64, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, segment := range s.segments {
		for _, frame := range segment.frames {
			chunks = append(chunks, frame.chunk(func() (string, error) { return segment.load(s.root, frame) }))
		}
	}
	if s.tail.Lines > 0 {
		records, err := s.tail.records(s.root)
		if err != nil {
			return nil, 0, err
		}
		text := string(records)
		chunks = append(chunks, s.tail.chunk(func() (string, error) { return text, nil }))
	}
	return chunks, s.tail.next(), nil
}

// Size is how much there is.
type Size struct {
	Bytes  int64 // on the disk
	Lines  uint64
	Oldest time.Time // zero where there is none
}

// Size counts the log without reading it.
func (s *Stream) Size() Size {
	s.mu.RLock()
	defer s.mu.RUnlock()
	size := Size{Bytes: int64(s.tail.Raw), Lines: uint64(s.tail.Lines)}
	oldest := s.tail.frame
	for at := len(s.segments) - 1; at >= 0; at-- {
		oldest = s.segments[at].frames[0]
		size.Bytes += s.segments[at].size
	}
	size.Lines = s.tail.next() - oldest.First
	if size.Lines > 0 {
		size.Oldest = time.Unix(0, oldest.From)
	}
	return size
}

// Cut removes the oldest segment, or the tail where there is no other, and returns how many bytes it had.
func (s *Stream) Cut() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 {
		bytes := int64(s.tail.Raw)
		s.tail.frame = frame{First: s.tail.next()}
		return bytes, s.tail.write(s.root, nil) // the numbers go on
	}
	oldest := s.segments[0]
	if len(s.segments) == 1 { // its marks and numbers go on in the tail
		if err := s.keepNumbers(); err != nil {
			return 0, err
		}
	}
	if err := s.root.Remove(oldest.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	s.segments = slices.Clone(s.segments[1:])
	return oldest.size, nil
}

func (s *Stream) keepNumbers() error {
	if s.tail.Lines > 0 {
		return nil
	}
	return s.tail.write(s.root, nil)
}

// CutBefore removes the segments, and at last the tail, that hold only lines from before a moment.
func (s *Stream) CutBefore(before time.Time) error {
	for {
		size, over := s.oldestEnds(before)
		if !over || size == 0 {
			return nil
		}
		if _, err := s.Cut(); err != nil {
			return err
		}
	}
}

func (s *Stream) oldestEnds(before time.Time) (bytes int64, over bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.segments) == 0 {
		return int64(s.tail.Raw), s.tail.Lines > 0 && s.tail.To < before.UnixNano()
	}
	oldest := s.segments[0]
	for _, frame := range oldest.frames {
		if frame.To >= before.UnixNano() {
			return 0, false
		}
	}
	return oldest.size, true
}

// Age makes a frame of a tail whose first line is older than before, so that it can be removed by and by.
func (s *Stream) Age(before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tail.Lines == 0 || s.tail.From >= before.UnixNano() {
		return nil
	}
	return s.flush()
}

// Remove removes the folder with all that is in it.
func (s *Stream) Remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments, s.tail.frame = nil, frame{First: s.tail.next()}
	return s.root.RemoveAll(s.folder)
}
