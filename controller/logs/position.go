package logs

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	mostPosition = 8 << 10 // bytes of one as text
	mostStreams  = 200     // in one
)

// Position is a place between the lines of an app's streams: for each of them, the number
// of the first line behind it. The zero value stands before all lines.
type Position struct{ next map[Stream]uint64 }

// ParsePosition reads the text of a position; false where it is none.
func ParsePosition(text string) (Position, bool) {
	if text == "" || len(text) > mostPosition {
		return Position{}, false
	}
	next := make(map[Stream]uint64)
	for part := range strings.SplitSeq(text, "~") {
		name, number, _ := strings.Cut(part, ":")
		stream, ok := ParseStream(name)
		at, err := strconv.ParseUint(number, 10, 63)
		if !ok || err != nil || len(next) == mostStreams {
			return Position{}, false
		}
		next[stream] = at
	}
	return Position{next}, true
}

// String is the form that ParsePosition reads. It is empty for the zero Position.
func (p Position) String() string {
	parts := make([]string, 0, len(p.next))
	for stream, number := range p.next {
		parts = append(parts, string(stream)+":"+strconv.FormatUint(number, 10))
	}
	slices.Sort(parts)
	return strings.Join(parts, "~")
}

// Next is the number of the first line of the stream behind the position; false where the
// position knows nothing of the stream, as of one that began later.
func (p Position) Next(stream Stream) (uint64, bool) {
	number, known := p.next[stream]
	return number, known
}

// Set moves the position in one stream.
func (p *Position) Set(stream Stream, next uint64) {
	if p.next == nil {
		p.next = make(map[Stream]uint64)
	}
	p.next[stream] = next
}

// Clone is a position of its own.
func (p Position) Clone() Position { return Position{maps.Clone(p.next)} }
