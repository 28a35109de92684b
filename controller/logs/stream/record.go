package stream

import (
	"encoding/binary"
	"errors"
	"time"

	"berth/controller/logs"
)

// A record is its length, and behind it: the time in nanoseconds (8 bytes), flags (1), the
// release, the length of the instance, the instance, and the text.
const (
	flagStderr  = 1 << 0
	flagLost    = 1 << 1
	levelShift  = 4
	levelMask   = 7
	recordFixed = 9
)

var errRecord = errors.New("a line of the log is damaged")

func appendRecord(to []byte, line logs.Line) []byte {
	flags := byte(line.Level) << levelShift
	if line.Stderr {
		flags |= flagStderr
	}
	if line.Lost {
		flags |= flagLost
	}
	var varint [2 * binary.MaxVarintLen64]byte
	head := binary.AppendUvarint(varint[:0], uint64(line.Release))
	head = binary.AppendUvarint(head, uint64(len(line.Instance)))
	to = binary.AppendUvarint(to, uint64(recordFixed+len(head)+len(line.Instance)+len(line.Text)))
	to = binary.BigEndian.AppendUint64(to, uint64(line.At.UnixNano()))
	to = append(to, flags)
	to = append(to, head...)
	to = append(to, line.Instance...)
	return append(to, line.Text...)
}

// readRecord reads the first record, and returns how many bytes it took. Strings of the line
// are parts of raw.
func readRecord(raw string) (line logs.Line, took int, err error) {
	length, rest, ok := cutUvarint(raw)
	if !ok || length < recordFixed || length > uint64(len(rest)) {
		return logs.Line{}, 0, errRecord
	}
	took = len(raw) - len(rest) + int(length)
	body := rest[:length]
	nanos := binary.BigEndian.Uint64([]byte(body[:8]))
	flags := body[8]
	release, body, ok := cutUvarint(body[recordFixed:])
	if !ok {
		return logs.Line{}, 0, errRecord
	}
	named, body, ok := cutUvarint(body)
	if !ok || named > uint64(len(body)) {
		return logs.Line{}, 0, errRecord
	}
	return logs.Line{
		At: time.Unix(0, int64(nanos)), Stderr: flags&flagStderr != 0, Lost: flags&flagLost != 0,
		Level: logs.Level(flags >> levelShift & levelMask), Release: int64(release), Instance: body[:named], Text: body[named:],
	}, took, nil
}

func cutUvarint(raw string) (value uint64, rest string, ok bool) {
	for at := 0; at < len(raw) && at < binary.MaxVarintLen64; at++ {
		value |= uint64(raw[at]&0x7f) << (7 * at)
		if raw[at] < 0x80 {
			return value, raw[at+1:], true
		}
	}
	return 0, "", false
}

// Chunk is a part of a stream that is read as one.
type Chunk struct {
	First    uint64 // the number of its first line
	Lines    int
	From, To time.Time // of its oldest and its newest line

	load func() (string, error) // the records
}

// Load returns the records of the chunk, for Read. It is nothing where the chunk was removed meanwhile.
func (c Chunk) Load() (string, error) { return c.load() }

// Read appends the lines of the records to lines.
func (c Chunk) Read(stream logs.Stream, raw string, lines []logs.Line) ([]logs.Line, error) {
	for number := c.First; raw != ""; number++ {
		line, took, err := readRecord(raw)
		if err != nil {
			return lines, err
		}
		line.Stream, line.Number = stream, number
		lines, raw = append(lines, line), raw[took:]
	}
	return lines, nil
}
