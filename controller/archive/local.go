package archive

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// locate finds the content of every record, and refuses records that share bytes: a bomb
// of overlapping entries uses its one kernel thousands of times. The local header must
// agree with the directory in every field that unpackers use.
func locate(file io.ReaderAt, records []record, limit int64) error {
	order := make([]int, len(records))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(records[a].offset, records[b].offset)
	})
	free := int64(0)
	headers := &window{from: file}
	for _, i := range order {
		r := &records[i]
		if r.offset < free {
			return refuse(r.name, "The entry overlaps another one, as only a bomb does.", hintPackAgain)
		}
		if err := r.readLocal(headers); err != nil {
			return err
		}
		if r.data > limit || r.compressed > limit-r.data {
			return errMalformed
		}
		free = r.data + r.compressed
	}
	return nil
}

// readLocal compares the local header with the directory.
func (r *record) readLocal(headers *window) error {
	buffer, err := headers.at(r.offset, lengthLocal+len(r.name))
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(buffer) != signatureLocal {
		return errMalformed
	}
	if binary.LittleEndian.Uint16(buffer[6:])&flagEncrypted != 0 {
		return refuseEncrypted(r.name)
	}
	nameLength := int64(binary.LittleEndian.Uint16(buffer[26:]))
	if nameLength != int64(len(r.name)) || !bytes.Equal(buffer[lengthLocal:], []byte(r.name)) ||
		binary.LittleEndian.Uint16(buffer[8:]) != r.method {
		return refuse(r.name, "The entry's own header and the archive's directory differ.", hintPackAgain)
	}
	r.data = r.offset + lengthLocal + nameLength + int64(binary.LittleEndian.Uint16(buffer[28:]))
	return nil
}

// window reads small pieces in rising order. Small entries are side by side, so one
// system call for many headers keeps Open fast.
type window struct {
	from  io.ReaderAt
	start int64
	bytes []byte
	space [16 << 10]byte
}

// at returns length bytes at offset, valid until the next call. A length over the window
// is malformed: no accepted name is that long.
func (w *window) at(offset int64, length int) ([]byte, error) {
	if offset < w.start || offset+int64(length) > w.start+int64(len(w.bytes)) {
		n, err := w.from.ReadAt(w.space[:], offset)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		w.start, w.bytes = offset, w.space[:n]
	}
	if length > len(w.bytes)-int(offset-w.start) {
		return nil, errMalformed
	}
	return w.bytes[offset-w.start:][:length], nil
}
