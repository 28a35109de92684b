package stream

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path"

	"berth/controller/logs"
)

// The tail is a file of the newest records, which are no frame yet: a mark, the number of the
// first line in 8 bytes, and records. Only its size is in memory.
const (
	tailName = "tail"
	tailMark = "BLT1"
	tailHead = 12
)

type tail struct {
	frame        // of the records that it holds; Raw is their bytes
	path  string // of the file
}

// readTail reads the tail that belongs behind the last frame, and calls each for its lines. A
// tail of lines that are in a frame already is left of a crash, and so is a record without its end.
func readTail(root *os.Root, folder string, next uint64, each func(logs.Line)) (tail, error) {
	read := tail{frame{First: next}, path.Join(folder, tailName)}
	text, err := root.ReadFile(read.path)
	if errors.Is(err, fs.ErrNotExist) {
		return read, nil
	}
	if err != nil {
		return tail{}, err
	}
	if len(text) < tailHead || string(text[:4]) != tailMark || binary.BigEndian.Uint64(text[4:]) < next {
		return read, nil
	}
	read.First = binary.BigEndian.Uint64(text[4:])
	for rest := string(text[tailHead:]); rest != ""; {
		line, took, err := readRecord(rest)
		if err != nil {
			return read, nil //nolint:nilerr // a crash tore the end off
		}
		each(line)
		read.note(line, took)
		rest = rest[took:]
	}
	return read, nil
}

func (t *tail) note(line logs.Line, bytes int) {
	at := line.At.UnixNano()
	if t.Lines == 0 {
		t.From, t.To = at, at
	}
	t.From, t.To = min(t.From, at), max(t.To, at)
	t.Lines++
	t.Raw += bytes
}

// write writes records behind those that the file holds. Where it fails, the file is as before.
func (t *tail) write(root *os.Root, records []byte) (err error) {
	mode := os.O_CREATE | os.O_WRONLY
	if t.Lines == 0 {
		mode |= os.O_TRUNC
	}
	file, err := root.OpenFile(t.path, mode, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size := int64(tailHead + t.Raw)
	if t.Lines == 0 {
		head := binary.BigEndian.AppendUint64([]byte(tailMark), t.First)
		records, size = append(head, records...), 0
	}
	if _, err := file.WriteAt(records, size); err != nil {
		return errors.Join(err, file.Truncate(size))
	}
	return nil
}

// records reads what the file holds.
func (t *tail) records(root *os.Root) ([]byte, error) {
	if t.Lines == 0 {
		return nil, nil
	}
	text, err := root.ReadFile(t.path)
	if err != nil {
		return nil, err
	}
	if len(text) < tailHead+t.Raw {
		return nil, errFrame
	}
	return text[tailHead : tailHead+t.Raw], nil
}
