package stream

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A frame on disk is: a mark, the length of what is known of it, its own length, and the
// check of what is known of it, each in 4 bytes; then what is known of it, as JSON; then the
// records, as one frame of zstd with a check of its own.
const (
	frameMark  = "BLF1"
	frameHead  = 16
	mostMeta   = 1 << 20
	mostPacked = 8 << 20
	mostRaw    = 16 << 20
)

// frame is what is known of one frame: the index of a stream is made of them.
type frame struct {
	First uint64 `json:"first"`
	Lines int    `json:"lines"`
	Raw   int    `json:"raw"`  // bytes of the records
	From  int64  `json:"from"` // nanoseconds, of the oldest line
	To    int64  `json:"to"`

	offset, packed int64
}

// meta is what a frame begins with.
type meta struct {
	frame
	Marks map[string]string `json:"marks"` // how far each container was read, at the end of the frame
}

func (f frame) next() uint64 { return f.First + uint64(f.Lines) }

func (f frame) end() int64 { return f.offset + f.packed }

func (f frame) chunk(load func() (string, error)) Chunk {
	return Chunk{First: f.First, Lines: f.Lines, From: time.Unix(0, f.From), To: time.Unix(0, f.To), load: load}
}

var errFrame = errors.New("a part of the log is damaged")

// packer and unpacker are for all streams: both keep memory.
var (
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(mostRaw))
	})
)

// packFrame returns a frame as it stands on disk.
func packFrame(known meta, records []byte) ([]byte, error) {
	pack, err := packer()
	if err != nil {
		return nil, err
	}
	about, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	packed := pack.EncodeAll(records, nil)
	made := append(make([]byte, 0, frameHead+len(about)+len(packed)), frameMark...)
	for _, number := range []uint32{uint32(len(about)), uint32(len(packed)), crc32.ChecksumIEEE(about)} {
		made = binary.BigEndian.AppendUint32(made, number)
	}
	return append(append(made, about...), packed...), nil
}

// readMeta reads what is known of the frame that begins at offset; io.EOF behind the last one.
func readMeta(from io.ReaderAt, offset int64) (meta, error) {
	var head [frameHead]byte
	if n, err := from.ReadAt(head[:], offset); err != nil {
		if errors.Is(err, io.EOF) && n == 0 {
			return meta{}, io.EOF
		}
		return meta{}, errFrame
	}
	about, packed := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:])
	if string(head[:4]) != frameMark || about > mostMeta || packed > mostPacked {
		return meta{}, errFrame
	}
	text := make([]byte, about)
	if _, err := from.ReadAt(text, offset+frameHead); err != nil || crc32.ChecksumIEEE(text) != binary.BigEndian.Uint32(head[12:]) {
		return meta{}, errFrame
	}
	var known meta
	if err := json.Unmarshal(text, &known); err != nil || known.Lines < 1 || known.Raw < 0 || known.Raw > mostRaw {
		return meta{}, errFrame
	}
	known.offset, known.packed = offset+frameHead+int64(about), int64(packed)
	return known, nil
}

// unpack reads the records of a frame.
func (f frame) unpack(from io.ReaderAt) ([]byte, error) {
	unpack, err := unpacker()
	if err != nil {
		return nil, err
	}
	packed := make([]byte, f.packed)
	if _, err := from.ReadAt(packed, f.offset); err != nil {
		return nil, errFrame
	}
	records, err := unpack.DecodeAll(packed, make([]byte, 0, f.Raw))
	if err != nil || len(records) != f.Raw {
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	return records, nil
}

// packedBytes is how many bytes at the end of a frame are its packed records.
func packedBytes(made []byte) int64 { return int64(binary.BigEndian.Uint32(made[8:])) }
