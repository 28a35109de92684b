package pack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// An index has a record of each object of its pack, and the sum of all records at its end.
const recordBytes = 20 + 1 + 2 + 8 + 8

var errIndex = errors.New("the index of a pack is damaged")

func writeIndex(w io.Writer, ids []ID, at map[ID]place) error {
	buffered := bufio.NewWriter(w)
	sum := crc32.NewIEEE()
	both := io.MultiWriter(buffered, sum)
	var record [recordBytes]byte
	for _, id := range ids {
		place := at[id]
		copy(record[:], id[:])
		record[20] = byte(place.kind)
		binary.BigEndian.PutUint16(record[21:], uint16(place.depth))
		binary.BigEndian.PutUint64(record[23:], uint64(place.offset))
		binary.BigEndian.PutUint64(record[31:], uint64(place.size))
		if _, err := both.Write(record[:]); err != nil {
			return fmt.Errorf("write index of pack: %w", err)
		}
	}
	if err := binary.Write(buffered, binary.BigEndian, sum.Sum32()); err != nil {
		return fmt.Errorf("write index of pack: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write index of pack: %w", err)
	}
	return nil
}

// readIndex adds the objects of a pack to at, which takes at most twice a number of them.
func readIndex(r io.Reader, pack, most int, at map[ID]place) error {
	text, err := io.ReadAll(io.LimitReader(r, int64(most)*2*recordBytes))
	if err != nil {
		return fmt.Errorf("read index of pack: %w", err)
	}
	end := len(text) - crc32.Size
	if end < 0 || end%recordBytes != 0 || crc32.ChecksumIEEE(text[:end]) != binary.BigEndian.Uint32(text[end:]) || len(at) > most {
		return errIndex
	}
	for ; len(text) > crc32.Size; text = text[recordBytes:] {
		id := ID(text[:20])
		at[id] = place{
			pack: pack, kind: Kind(text[20]), depth: int(binary.BigEndian.Uint16(text[21:])),
			offset: int64(binary.BigEndian.Uint64(text[23:])), size: int64(binary.BigEndian.Uint64(text[31:])),
		}
	}
	return nil
}
