package pack

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// object is an entry with its place in a pack, and its name once that is known.
type object struct {
	entry
	offset int64
	id     ID
	named  bool
}

// scan reads a pack as it comes, and says what is in it. It names the whole objects; what
// a difference is, its base tells. Nothing larger than a buffer is kept of any content.
type scan struct {
	source   *source
	inflater inflater
	limits   Limits
	work     *int64 // bytes that may still be expanded
	unended  bool   // nothing says that the pack has ended
}

const (
	headBytes    = 12
	trailerBytes = 20
	packVersion  = 2
	readBuffer   = 64 << 10
)

func newScan(r io.Reader, limits Limits, work *int64) *scan {
	return &scan{source: &source{Reader: bufio.NewReaderSize(r, readBuffer)}, limits: limits, work: work}
}

// objects returns what the pack holds, in its order. The reader stands behind the pack then.
func (s *scan) objects(ctx context.Context) ([]object, error) {
	count, err := s.readHead()
	if err != nil {
		return nil, err
	}
	var found []object // grows with what came, and not with what was announced
	for range count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next, err := s.next()
		if err != nil {
			return nil, worded(err)
		}
		found = append(found, next)
	}
	if _, err := io.CopyN(io.Discard, s.source, trailerBytes); err != nil {
		return nil, worded(err)
	}
	if s.unended && s.source.Buffered() == 0 {
		return found, nil
	}
	if _, err := s.source.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, damaged("something follows it", err)
	}
	return found, nil
}

func (s *scan) readHead() (int, error) {
	var head [headBytes]byte
	if _, err := io.ReadFull(s.source, head[:]); err != nil {
		return 0, worded(err)
	}
	if string(head[:4]) != "PACK" || binary.BigEndian.Uint32(head[4:]) != packVersion {
		return 0, damaged("it is no pack of version 2", nil)
	}
	count := int64(binary.BigEndian.Uint32(head[8:]))
	if count > int64(s.limits.Objects) {
		return 0, tooManyObjects(s.limits.Objects)
	}
	return int(count), nil
}

// next reads one entry with its content.
func (s *scan) next() (object, error) {
	found := object{offset: s.source.read}
	var err error
	if found.entry, err = readEntry(s.source); err != nil {
		return object{}, err
	}
	if found.size > s.limits.ObjectBytes {
		return object{}, tooLargeObject(s.limits.ObjectBytes)
	}
	if *s.work -= found.size; *s.work < 0 {
		return object{}, tooMuchWork(s.limits.WorkBytes)
	}
	if !found.kind.whole() {
		return found, s.skipDelta(found)
	}
	sum := newHash(found.kind, found.size)
	if err := s.inflater.expand(sum, s.source, found.size); err != nil {
		return object{}, err
	}
	sum.Sum(found.id[:0])
	found.named = true
	return found, nil
}

// skipDelta reads past a difference, and refuses one that would come out too large.
func (s *scan) skipDelta(found object) error {
	if found.size > s.limits.DeltaBytes {
		return tooLargeDelta(s.limits.DeltaBytes)
	}
	if found.kind == byOffset && (found.base <= 0 || found.base > found.offset-headBytes) {
		return errDelta
	}
	var head beginning
	if err := s.inflater.expand(&head, s.source, found.size); err != nil {
		return err
	}
	base, target, _, err := deltaSizes(head.text)
	if err != nil {
		return err
	}
	if max(base, target) > s.limits.DeltaBytes {
		return tooLargeDelta(s.limits.DeltaBytes)
	}
	return nil
}

// beginning keeps the first bytes of what is written: enough for the sizes.
type beginning struct{ text []byte }

func (b *beginning) Write(p []byte) (int, error) {
	const most = 20
	b.text = append(b.text, p[:min(len(p), most-len(b.text))]...)
	return len(p), nil
}
