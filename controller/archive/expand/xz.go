package expand

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	"github.com/ulikunitz/xz/lzma"
)

// dictionariesPer bounds the dictionaries of all blocks together, beyond the first: a block
// begins with a new one. It counts their bytes for each byte that the file has expanded to.
const dictionariesPer = 16

// The parts of the xz format 1.2.0 that matter.
const (
	xzHeaderMagic  = "\xfd7zXZ\x00"
	xzFooterMagic  = "YZ"
	xzFilterLZMA2  = 0x21
	xzPackedSize   = 0x40 // flags of a block
	xzExpandedSize = 0x80
	xzOtherFlags   = 0x3f // more than one filter, or reserved
)

// errWindow refuses an archive that can only be expanded with more memory than Berth gives.
var errWindow = errors.New("window of the compression is too large")

// errXZ refuses an xz file that is damaged, or asks for more than Berth gives.
var errXZ = errors.New("unreadable xz")

// xzReader expands an xz file of one stream. It reads the container itself, because
// lzma's own reader of it allocates every dictionary that a block asks for.
type xzReader struct {
	in           *bufio.Reader
	newCheck     func() hash.Hash
	check        hash.Hash // of the current block
	block        *lzma.Reader2
	packed       *countingReader // of the current block
	records      []byte          // sums up the blocks, to compare them with the index
	blocks       uint64
	expanded     int64
	dictionaries int64 // bytes of all dictionaries so far
	header       int64 // bytes of the current block's header
	before       int64 // expanded before the current block
	err          error
}

// countingReader counts the bytes of a block.
type countingReader struct {
	from *bufio.Reader
	read int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.from.ReadByte()
	if err == nil {
		c.read++
	}
	return b, err
}

func newXZReader(from io.Reader) (io.ReadCloser, error) {
	x := &xzReader{in: bufio.NewReaderSize(from, bufferBytes)}
	head, err := x.take(12)
	if err != nil || string(head[:6]) != xzHeaderMagic || head[6] != 0 || !sealed(head[6:8], head[8:]) {
		return nil, errXZ
	}
	switch head[7] {
	case 0:
		x.newCheck = func() hash.Hash { return nil }
	case 1:
		x.newCheck = func() hash.Hash { return crc32.NewIEEE() }
	case 4:
		x.newCheck = func() hash.Hash { return crc64.New(crc64.MakeTable(crc64.ECMA)) }
	case 10:
		x.newCheck = sha256.New
	default:
		return nil, errXZ
	}
	return io.NopCloser(x), nil
}

// Read implements io.Reader.
func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil {
		if x.block == nil {
			x.err = x.begin()
			continue
		}
		n, err := x.block.Read(p)
		x.expanded += int64(n)
		if x.check != nil {
			_, _ = x.check.Write(p[:n]) // a hash never fails
		}
		if errors.Is(err, io.EOF) {
			err = x.end()
		}
		x.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// begin reads the header of a block, or the end of the stream.
func (x *xzReader) begin() error {
	size, err := x.in.ReadByte()
	if err != nil {
		return errXZ
	}
	if size == 0 {
		return x.finish()
	}
	header := make([]byte, 4*(int(size)+1))
	header[0] = size
	if _, err := io.ReadFull(x.in, header[1:]); err != nil {
		return errXZ
	}
	fields := header[:len(header)-4]
	if !sealed(fields, header[len(header)-4:]) {
		return errXZ
	}
	dictionary, err := dictionaryOf(fields[1:])
	if err != nil {
		return err
	}
	x.dictionaries += dictionary
	if dictionary > WindowXZ {
		return errWindow
	}
	if x.dictionaries > WindowXZ+dictionariesPer*x.expanded {
		return errXZ
	}
	x.header, x.before = int64(len(header)), x.expanded
	x.packed, x.check = &countingReader{from: x.in}, x.newCheck()
	x.block, err = lzma.Reader2Config{DictCap: int(max(dictionary, lzma.MinDictCap))}.NewReader2(x.packed)
	return err
}

// dictionaryOf returns the size of the dictionary, from the flags and the filter of a
// block's header.
func dictionaryOf(fields []byte) (int64, error) {
	in := bytes.NewReader(fields)
	flags, err := in.ReadByte()
	if err != nil || flags&xzOtherFlags != 0 {
		return 0, errXZ
	}
	for _, size := range []byte{xzPackedSize, xzExpandedSize} {
		if flags&size == 0 {
			continue
		}
		if _, err := binary.ReadUvarint(in); err != nil {
			return 0, errXZ
		}
	}
	var filter [3]byte // its number, the size of its properties, its properties
	if _, err := io.ReadFull(in, filter[:]); err != nil || filter[0] != xzFilterLZMA2 || filter[1] != 1 {
		return 0, errXZ
	}
	return lzma.DecodeDictCap(filter[2])
}

// end reads what follows the content of a block.
func (x *xzReader) end() error {
	if !x.block.EOS() {
		return errXZ
	}
	x.block = nil
	if err := x.pad(x.packed.read); err != nil {
		return err
	}
	length := 0
	if x.check != nil {
		sum := x.check.Sum(nil)
		length = len(sum)
		if x.check.Size() < sha256.Size { // written with the low byte first
			slices.Reverse(sum)
		}
		if found, err := x.take(length); err != nil || !bytes.Equal(found, sum) {
			return errXZ
		}
	}
	x.blocks++
	record := binary.AppendUvarint(nil, uint64(x.header+x.packed.read+int64(length)))
	record = binary.AppendUvarint(record, uint64(x.expanded-x.before))
	sum := sha256.Sum256(append(x.records, record...))
	x.records = sum[:]
	return nil
}

// finish reads the index and the footer. It returns io.EOF if they match the blocks and
// end the file.
func (x *xzReader) finish() error {
	index := &indexReader{in: x.in, sum: crc32.NewIEEE()}
	_, _ = index.sum.Write([]byte{0}) // a hash never fails
	index.size = 1
	if count, err := binary.ReadUvarint(index); err != nil || count != x.blocks {
		return errXZ
	}
	var records []byte
	for range x.blocks {
		packed, _ := binary.ReadUvarint(index)
		expanded, err := binary.ReadUvarint(index)
		if err != nil {
			return errXZ
		}
		record := binary.AppendUvarint(binary.AppendUvarint(nil, packed), expanded)
		sum := sha256.Sum256(append(records, record...))
		records = sum[:]
	}
	for index.size%4 != 0 {
		if b, err := index.ReadByte(); err != nil || b != 0 {
			return errXZ
		}
	}
	tail, err := x.take(16)
	if err != nil || !bytes.Equal(records, x.records) ||
		binary.LittleEndian.Uint32(tail) != index.sum.Sum32() || !sealed(tail[8:14], tail[4:8]) ||
		string(tail[14:]) != xzFooterMagic {
		return errXZ
	}
	if _, err := x.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errXZ
	}
	return io.EOF
}

// indexReader counts and sums up the bytes of the index.
type indexReader struct {
	in   *bufio.Reader
	sum  hash.Hash32
	size int64
}

// ReadByte implements io.ByteReader.
func (i *indexReader) ReadByte() (byte, error) {
	b, err := i.in.ReadByte()
	if err == nil {
		i.size++
		_, _ = i.sum.Write([]byte{b}) // a hash never fails
	}
	return b, err
}

// take reads length bytes.
func (x *xzReader) take(length int) ([]byte, error) {
	found := make([]byte, length)
	_, err := io.ReadFull(x.in, found)
	return found, err
}

// pad reads the zeros that make a length a multiple of four.
func (x *xzReader) pad(length int64) error {
	for ; length%4 != 0; length++ {
		if b, err := x.in.ReadByte(); err != nil || b != 0 {
			return errXZ
		}
	}
	return nil
}

// sealed reports whether sum is the CRC-32 of text.
func sealed(text, sum []byte) bool {
	return crc32.ChecksumIEEE(text) == binary.LittleEndian.Uint32(sum)
}
