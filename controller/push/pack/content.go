package pack

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
)

// spot is the beginning of an entry.
type spot struct {
	pack   int
	offset int64
}

// entryAt opens an entry; the reader stands at its content.
func (o *Objects) entryAt(at place) (*source, entry, error) {
	section := io.NewSectionReader(o.packs[at.pack], at.offset, math.MaxInt64-at.offset)
	reader := &source{Reader: bufio.NewReaderSize(section, 4<<10)}
	found, err := readEntry(reader)
	return reader, found, err
}

// content returns an object whole. It goes down to the whole object that the differences
// begin with, and comes up again with one of them in memory at a time.
func (o *Objects) content(at place) ([]byte, error) {
	var chain []place
	content, known := o.recent.find(at)
	for !known {
		reader, found, err := o.entryAt(at)
		if err != nil {
			return nil, err
		}
		if found.kind.whole() {
			if content, err = o.expanded(reader, found.size); err != nil {
				return nil, err
			}
			o.recent.add(at, content)
			break
		}
		chain = append(chain, at)
		if len(chain) > o.limits.Depth {
			return nil, tooDeep(o.limits.Depth)
		}
		if at, err = o.below(at, found); err != nil {
			return nil, err
		}
		content, known = o.recent.find(at)
	}
	for _, above := range slices.Backward(chain) {
		next, err := o.applied(content, above)
		if err != nil {
			return nil, err
		}
		content = next
		o.recent.add(above, content)
	}
	return content, nil
}

// below is the entry that a difference is to.
func (o *Objects) below(at place, found entry) (place, error) {
	if found.kind == byOffset {
		return place{pack: at.pack, offset: at.offset - found.base}, nil
	}
	base, known := o.at[found.baseID]
	if !known {
		return place{}, fmt.Errorf("base %s: %w", found.baseID, ErrMissing)
	}
	return base, nil
}

func (o *Objects) applied(base []byte, at place) ([]byte, error) {
	reader, found, err := o.entryAt(at)
	if err != nil {
		return nil, err
	}
	delta, err := o.expanded(reader, found.size)
	if err != nil {
		return nil, err
	}
	content, err := apply(base, delta, o.limits.DeltaBytes)
	if err == nil {
		err = o.pay(int64(len(content)))
	}
	return content, err
}

func (o *Objects) expanded(reader *source, size int64) ([]byte, error) {
	if size > o.limits.DeltaBytes {
		return nil, tooLargeDelta(o.limits.DeltaBytes)
	}
	if err := o.pay(size); err != nil {
		return nil, err
	}
	return o.inflater.expanded(reader, size)
}

// pay takes expanded bytes from what one use of the objects may cost.
func (o *Objects) pay(bytes int64) error {
	if o.work -= bytes; o.work < 0 {
		return tooMuchWork(o.limits.WorkBytes)
	}
	return nil
}

// recentBytes bounds the contents that are kept for the differences to them.
const recentBytes = 32 << 20

// recent keeps the contents that were read last. Nobody changes them.
type recent struct {
	contents map[spot][]byte
	order    []spot
	bytes    int
}

func (r *recent) find(at place) ([]byte, bool) {
	content, known := r.contents[spot{at.pack, at.offset}]
	return content, known
}

func (r *recent) add(at place, content []byte) {
	key := spot{at.pack, at.offset}
	if _, known := r.contents[key]; known || len(content) > recentBytes/2 {
		return
	}
	if r.contents == nil {
		r.contents = map[spot][]byte{}
	}
	r.contents[key] = content
	r.order = append(r.order, key)
	for r.bytes += len(content); r.bytes > recentBytes; {
		oldest := r.order[0]
		r.bytes -= len(r.contents[oldest])
		delete(r.contents, oldest)
		r.order = r.order[1:]
	}
}
