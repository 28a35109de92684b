package printed

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrCursor is a cursor that stands in nothing of what is to be read.
var ErrCursor = errors.New("the output does not go on from there")

const (
	mostCursor = 8 << 10         // bytes of one as text
	cursorSlip = 2 * time.Second // how far apart the engine may write two outputs of one moment
)

// Cursor is how far somebody has read the outputs of instances. The stamps of one
// output never go back; lines with one stamp are counted. The zero value has read
// nothing.
type Cursor struct{ marks map[printer]mark }

type printer struct {
	instance string
	stderr   bool
}

type mark struct {
	at    int64 // nanoseconds: the stamp of the last line
	lines int   // that were read with this stamp
}

// ParseCursor reads the text of a cursor; false where it is none.
func ParseCursor(text string) (Cursor, bool) {
	if text == "" || len(text) > mostCursor {
		return Cursor{}, false
	}
	marks := make(map[printer]mark)
	for part := range strings.SplitSeq(text, ";") {
		fields := strings.Split(part, ",")
		if len(fields) != 4 || fields[1] != "o" && fields[1] != "e" {
			return Cursor{}, false
		}
		at, err := strconv.ParseInt(fields[2], 10, 64)
		lines, err2 := strconv.Atoi(fields[3])
		if err != nil || err2 != nil || at < 0 || lines < 0 {
			return Cursor{}, false
		}
		marks[printer{fields[0], fields[1] == "e"}] = mark{at, lines}
	}
	return Cursor{marks}, true
}

// String is the form that ParseCursor reads. It is empty where nothing was read.
func (c Cursor) String() string {
	parts := make([]string, 0, len(c.marks))
	for of, m := range c.marks {
		name := "o"
		if of.stderr {
			name = "e"
		}
		parts = append(parts, fmt.Sprintf("%s,%s,%d,%d", of.instance, name, m.at, m.lines))
	}
	slices.Sort(parts)
	return strings.Join(parts, ";")
}

// Note moves the cursor behind the line.
func (c *Cursor) Note(line Line) {
	if c.marks == nil {
		c.marks = make(map[printer]mark)
	}
	of, at := printer{line.Instance, line.Stderr}, line.At.UnixNano()
	switch m, known := c.marks[of]; {
	case !known || at > m.at:
		c.marks[of] = mark{at, 1}
	case at == m.at:
		c.marks[of] = mark{at, m.lines + 1}
	}
}

// Clone is a cursor of its own.
func (c Cursor) Clone() Cursor { return Cursor{maps.Clone(c.marks)} }

// Knows reports whether something of the instance was read.
func (c Cursor) Knows(instance string) bool {
	return c.has(printer{instance, false}) || c.has(printer{instance, true})
}

// Since is a moment before everything of the instance that was not read.
func (c Cursor) Since(instance string) time.Time {
	return time.Unix(0, min(c.mark(instance, false).at, c.mark(instance, true).at))
}

// Last is the stamp of the last line of the instance that was read; the zero time where none was.
func (c Cursor) Last(instance string) time.Time {
	if !c.Knows(instance) {
		return time.Time{}
	}
	return time.Unix(0, max(c.marks[printer{instance, false}].at, c.marks[printer{instance, true}].at))
}

// Rest drops the lines of the instance that were read. It begins at Since or before.
func (c Cursor) Rest(instance string, each func(Line) error) func(Line) error {
	left := map[bool]mark{false: c.mark(instance, false), true: c.mark(instance, true)}
	return func(line Line) error {
		m, at := left[line.Stderr], line.At.UnixNano()
		if at < m.at {
			return nil
		}
		if at == m.at && m.lines > 0 {
			m.lines--
			left[line.Stderr] = m
			return nil
		}
		return each(line)
	}
}

func (c Cursor) has(of printer) bool {
	_, known := c.marks[of]
	return known
}

// mark is how far one output was read. Of one that is silent, everything up to a
// slip before the latest line of all is taken as read: it would have been there.
func (c Cursor) mark(instance string, stderr bool) mark {
	latest := int64(0)
	for _, m := range c.marks {
		latest = max(latest, m.at-int64(cursorSlip))
	}
	if m := c.marks[printer{instance, stderr}]; m.at >= latest {
		return m
	}
	return mark{at: latest}
}
