package pack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
)

// entry is how an object stands in a pack, in front of its compressed content.
type entry struct {
	kind   Kind
	size   int64 // expanded; of the difference where it is one
	base   int64 // how far before the entry its base begins, for byOffset
	baseID ID    // for byName
}

// source counts what is read of a pack. It is its own buffer, because what expands the
// content must not read beyond it.
type source struct {
	*bufio.Reader
	read int64
}

// Read reads and counts.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.read += int64(n)
	return n, err
}

// ReadByte reads and counts one byte.
func (s *source) ReadByte() (byte, error) {
	b, err := s.Reader.ReadByte()
	if err == nil {
		s.read++
	}
	return b, err
}

const (
	sizeBits = 56 // of a size or an offset; no honest one has more
	more     = 0x80
)

var errNumber = errors.New("a number is too large")

// readEntry reads what stands in front of the content.
func readEntry(r *source) (entry, error) {
	first, err := r.ReadByte()
	if err != nil {
		return entry{}, err
	}
	found := entry{kind: Kind(first >> 4 & 7), size: int64(first & 15)}
	for shift, next := 4, first; next&more != 0; shift += 7 {
		if next, err = r.ReadByte(); err != nil {
			return entry{}, err
		}
		if shift > sizeBits {
			return entry{}, errNumber
		}
		found.size |= int64(next&^more) << shift
	}
	switch {
	case found.kind.whole():
	case found.kind == byOffset:
		found.base, err = readOffset(r)
	case found.kind == byName:
		_, err = io.ReadFull(r, found.baseID[:])
	default:
		err = fmt.Errorf("an object of the kind %d", found.kind)
	}
	return found, err
}

// readOffset reads git's number of an offset: each further byte counts one more than its
// bits say.
func readOffset(r *source) (int64, error) {
	next, err := r.ReadByte()
	offset := int64(next &^ more)
	for err == nil && next&more != 0 {
		if offset >= 1<<(sizeBits-7) {
			return 0, errNumber
		}
		next, err = r.ReadByte()
		offset = (offset+1)<<7 | int64(next&^more)
	}
	return offset, err
}

// inflater expands one content after the other.
type inflater struct{ reader io.ReadCloser }

var (
	errShort = errors.New("an object is shorter than it says")
	errLong  = errors.New("an object is longer than it says")
)

// expand writes the content that r holds at its place: exactly size bytes, or an error.
func (i *inflater) expand(into io.Writer, r *source, size int64) error {
	if err := i.reset(r); err != nil {
		return err
	}
	n, err := io.Copy(into, io.LimitReader(i.reader, size+1))
	switch {
	case err != nil:
		return err
	case n < size:
		return errShort
	case n > size:
		return errLong
	}
	return nil
}

func (i *inflater) reset(r *source) (err error) {
	if i.reader == nil {
		i.reader, err = zlib.NewReader(r)
		return err
	}
	resetter, ok := i.reader.(zlib.Resetter)
	if !ok {
		return errors.New("the expander cannot be used again")
	}
	return resetter.Reset(r, nil)
}

// expanded returns the content that r holds at its place.
func (i *inflater) expanded(r *source, size int64) ([]byte, error) {
	var content bytes.Buffer
	content.Grow(int(min(size, 1<<20))) // a size is a claim until it was read
	err := i.expand(&content, r, size)
	return content.Bytes(), err
}
