package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the most memory that a zstd file may ask for to look back, as of zstd -20.
const zstdWindow = 32 << 20

// compression is a way to compress a tar.
type compression struct {
	magic  string
	passes int // over the whole archive, to read one file each
	expand func(io.Reader) (io.ReadCloser, error)
}

// compressions are all ways that are read. The last one is none.
var compressions = []compression{
	{"\x1f\x8b", readPasses, func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{"\x28\xb5\x2f\xfd", readPasses, newZstdReader},
	{xzHeaderMagic, xzPasses, newXZReader},
	{"", readPasses, func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil }},
}

// compressionOf returns how the tar that begins with head is compressed. It reports
// whether head can be the beginning of a tar.
func compressionOf(head []byte) (compression, bool) {
	for _, known := range compressions {
		if bytes.HasPrefix(head, []byte(known.magic)) {
			return known, known.magic != "" || isTar(head)
		}
	}
	return compression{}, false
}

// isTar reports whether the first block of a file is that of a tar. Its checksum decides:
// an old tar has no magic number, and an empty one only has zeros.
func isTar(block []byte) bool {
	const magicAt = 257
	if len(block) < blockBytes {
		return false
	}
	if bytes.HasPrefix(block[magicAt:], []byte("ustar")) {
		return true
	}
	_, err := tar.NewReader(bytes.NewReader(block)).Next()
	return err == nil || errors.Is(err, io.EOF)
}

// blockBytes is the size of the blocks of a tar.
const blockBytes = 512

func newZstdReader(r io.Reader) (io.ReadCloser, error) {
	decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecodeBuffersBelow(0))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}
