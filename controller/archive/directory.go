package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// The records of a ZIP, by APPNOTE.TXT 6.3.10 of its makers: the signature and the length
// of the fixed part.
const (
	signatureLocal     = 0x04034b50
	signatureCentral   = 0x02014b50
	signatureEnd       = 0x06054b50
	signatureEnd64     = 0x06064b50
	signatureLocator64 = 0x07064b50

	lengthLocal     = 30
	lengthCentral   = 46
	lengthEnd       = 22
	lengthEnd64     = 56
	lengthLocator64 = 20
)

const (
	extraZIP64 = 0x0001 // 64-bit sizes and offset
	extraTime  = 0x5455 // times in seconds since 1970
)

const (
	flagEncrypted = 1<<0 | 1<<6 | 1<<13 // plain, strong, and with a masked directory

	flagUTF8 = 1 << 11

	methodStored  = 0
	methodDeflate = 8
)

// errMalformed refuses a ZIP whose records do not fit together.
var errMalformed = errors.New("malformed ZIP")

// record is one entry as the central directory of a ZIP declares it.
type record struct {
	name       string
	system     byte // the system that wrote the attributes
	flags      uint16
	method     uint16
	checksum   uint32 // CRC-32 of the content
	compressed int64
	expanded   int64
	attributes uint32
	modified   time.Time
	offset     int64 // of its local header
	data       int64 // offset of its content, set by locate
}

// directoryEnd is the place of the central directory of a ZIP, and its number of records.
type directoryEnd struct {
	records      uint64
	offset, size int64
}

// readDirectory returns the records of a ZIP of size bytes, in its order. It does not use
// archive/zip: that package reads all records before a limit can apply, and does not
// return the offsets that show overlapping entries.
func readDirectory(file io.ReaderAt, size int64, limits Limits) ([]record, error) {
	end, err := findEnd(file, size)
	if err != nil {
		return nil, err
	}
	if end.records > uint64(max(limits.Entries, 0)) {
		return nil, refuseCount(limits.Entries)
	}
	section := io.NewSectionReader(file, end.offset, end.size)
	reader := directoryReader{in: bufio.NewReaderSize(section, 64<<10), limits: limits}
	records := make([]record, 0, end.records)
	for range end.records {
		r, err := reader.next()
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	if _, err := reader.in.ReadByte(); err != io.EOF {
		return nil, errMalformed
	}
	return records, locate(file, records, end.offset)
}

// findEnd reads the record that closes a ZIP. The directory must end right before it, and
// the record must end the file: nothing prefixed or appended.
func findEnd(file io.ReaderAt, size int64) (directoryEnd, error) {
	const longestComment = 1<<16 - 1
	tail := make([]byte, min(size, lengthEnd+longestComment))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return directoryEnd{}, fmt.Errorf("read archive: %w", err)
	}
	for at := len(tail) - lengthEnd; at >= 0; at-- {
		raw := tail[at:]
		if binary.LittleEndian.Uint32(raw) != signatureEnd {
			continue
		}
		if comment := int(binary.LittleEndian.Uint16(raw[20:])); lengthEnd+comment != len(raw) {
			continue
		}
		position := size - int64(len(raw))
		end := directoryEnd{
			records: uint64(binary.LittleEndian.Uint16(raw[10:])),
			size:    int64(binary.LittleEndian.Uint32(raw[12:])),
			offset:  int64(binary.LittleEndian.Uint32(raw[16:])),
		}
		if end.records == 1<<16-1 || end.size == 1<<32-1 || end.offset == 1<<32-1 {
			return findEnd64(file, position)
		}
		return end, end.check(position)
	}
	return directoryEnd{}, errMalformed
}

// findEnd64 reads the 64-bit form of the closing record. A locator right before the short
// form at position leads to it.
func findEnd64(file io.ReaderAt, position int64) (directoryEnd, error) {
	locator, err := readRecord(file, position-lengthLocator64, lengthLocator64, signatureLocator64)
	if err != nil {
		return directoryEnd{}, err
	}
	// An offset beyond int64 turns negative, and readRecord refuses that.
	at := int64(binary.LittleEndian.Uint64(locator[8:]))
	raw, err := readRecord(file, at, lengthEnd64, signatureEnd64)
	if err != nil {
		return directoryEnd{}, err
	}
	end := directoryEnd{
		records: binary.LittleEndian.Uint64(raw[32:]),
		size:    int64(binary.LittleEndian.Uint64(raw[40:])),
		offset:  int64(binary.LittleEndian.Uint64(raw[48:])),
	}
	return end, end.check(at)
}

// check refuses a directory that does not end at the start of its closing record.
func (e directoryEnd) check(position int64) error {
	if e.offset < 0 || e.size < 0 || e.offset > position || position-e.offset != e.size {
		return errMalformed
	}
	if e.records > uint64(e.size)/lengthCentral {
		return errMalformed
	}
	return nil
}

// directoryReader reads the central directory record by record.
type directoryReader struct {
	in     *bufio.Reader
	limits Limits
	names  int // bytes of the names so far
	fixed  [lengthCentral]byte
	tail   []byte // name, extra fields and comment of the current record
}

func (d *directoryReader) next() (record, error) {
	raw := d.fixed[:]
	if _, err := io.ReadFull(d.in, raw); err != nil || binary.LittleEndian.Uint32(raw) != signatureCentral {
		return record{}, errMalformed
	}
	nameLength := int(binary.LittleEndian.Uint16(raw[28:]))
	extraLength := int(binary.LittleEndian.Uint16(raw[30:]))
	commentLength := int(binary.LittleEndian.Uint16(raw[32:]))
	d.tail = slices.Grow(d.tail[:0], nameLength+extraLength+commentLength)[:nameLength+extraLength+commentLength]
	if _, err := io.ReadFull(d.in, d.tail); err != nil {
		return record{}, errMalformed
	}
	if nameLength > d.limits.PathBytes {
		return record{}, refuseLongPath(string(d.tail[:nameLength]), d.limits)
	}
	if d.names += nameLength; d.names > d.limits.NameBytes {
		return record{}, refuseNames(d.limits.NameBytes)
	}
	r := record{
		name:       string(d.tail[:nameLength]),
		system:     raw[5],
		flags:      binary.LittleEndian.Uint16(raw[8:]),
		method:     binary.LittleEndian.Uint16(raw[10:]),
		modified:   timeOfDOS(binary.LittleEndian.Uint16(raw[14:]), binary.LittleEndian.Uint16(raw[12:])),
		checksum:   binary.LittleEndian.Uint32(raw[16:]),
		compressed: int64(binary.LittleEndian.Uint32(raw[20:])),
		expanded:   int64(binary.LittleEndian.Uint32(raw[24:])),
		attributes: binary.LittleEndian.Uint32(raw[38:]),
		offset:     int64(binary.LittleEndian.Uint32(raw[42:])),
	}
	err := r.readExtra(d.tail[nameLength : nameLength+extraLength])
	return r, err
}

// readExtra reads the extra fields that matter. Padding and junk after the last whole
// field are common and harmless.
func (r *record) readExtra(extra []byte) error {
	wide := r.compressed == 1<<32-1 || r.expanded == 1<<32-1 || r.offset == 1<<32-1
	for len(extra) >= 4 {
		kind := binary.LittleEndian.Uint16(extra)
		length := int(binary.LittleEndian.Uint16(extra[2:]))
		if length > len(extra)-4 {
			break
		}
		field := extra[4 : 4+length]
		extra = extra[4+length:]
		switch {
		case kind == extraZIP64 && wide:
			if err := r.readWide(field); err != nil {
				return err
			}
			wide = false
		case kind == extraTime && length >= 5 && field[0]&1 != 0:
			r.modified = time.Unix(int64(int32(binary.LittleEndian.Uint32(field[1:]))), 0)
		}
	}
	if wide {
		return errMalformed
	}
	return nil
}

// readWide sets the sizes and the offset that did not fit into 32 bits.
func (r *record) readWide(field []byte) error {
	for _, value := range []*int64{&r.expanded, &r.compressed, &r.offset} {
		if *value != 1<<32-1 {
			continue
		}
		if len(field) < 8 {
			return errMalformed
		}
		if *value = int64(binary.LittleEndian.Uint64(field)); *value < 0 {
			return errMalformed
		}
		field = field[8:]
	}
	return nil
}

func readRecord(file io.ReaderAt, at int64, length int, signature uint32) ([]byte, error) {
	raw := make([]byte, length)
	if at < 0 {
		return nil, errMalformed
	}
	if n, err := file.ReadAt(raw, at); n < length {
		if err != io.EOF {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		return nil, errMalformed
	}
	if binary.LittleEndian.Uint32(raw) != signature {
		return nil, errMalformed
	}
	return raw, nil
}

// timeOfDOS reads the local time of a ZIP, to two seconds. Its zone is unknown, so it is
// read as UTC.
func timeOfDOS(date, clock uint16) time.Time {
	return time.Date(
		int(date>>9)+1980, time.Month(date>>5&0xf), int(date&0x1f),
		int(clock>>11), int(clock>>5&0x3f), int(clock&0x1f)*2, 0, time.UTC)
}

func refuseEncrypted(name string) *Refusal {
	return refuse(name, "The entry is encrypted.", "Make the archive again without a password.")
}
