// Package expand expands compressed tars with bounded memory.
package expand

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The most memory that an archive may ask for to look back, in bytes. These are the windows
// of xz -8 and zstd -19.
const (
	WindowXZ   = 32 << 20
	WindowZstd = 8 << 20
)

// bufferBytes is how much is read at a time.
const bufferBytes = 64 << 10

// Format is a way to compress a tar. The zero value is not usable: see Detect.
type Format struct {
	// Slow formats take many times longer to expand than to read.
	Slow bool
	// Expand returns the tar. It reads past the end of the tar only what belongs to the
	// format, and refuses what follows.
	Expand func(io.Reader) (io.ReadCloser, error)

	magic string
}

// formats are all formats that are read. The last one is no compression.
var formats = []Format{
	{magic: "\x1f\x8b", Expand: func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{magic: "\x28\xb5\x2f\xfd", Expand: newZstdReader},
	{magic: xzHeaderMagic, Expand: newXZReader, Slow: true},
	{magic: "", Expand: func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil }},
}

// Detect returns the format of a tar that begins with head, its first 512 bytes. It reports
// whether head can be the beginning of one.
func Detect(head []byte) (Format, bool) {
	for _, known := range formats {
		if bytes.HasPrefix(head, []byte(known.magic)) {
			return known, known.magic != "" || isTar(head)
		}
	}
	return Format{}, false
}

// IsWindow reports whether an error of a format says that expanding takes more memory than
// the windows allow.
func IsWindow(err error) bool {
	return errors.Is(err, errWindow) || errors.Is(err, zstd.ErrWindowSizeExceeded)
}

// isTar reports whether the first block of a file is that of a tar. Its checksum decides:
// an old tar has no magic number, and an empty one only has zeros.
func isTar(block []byte) bool {
	const size, magicAt = 512, 257
	if len(block) < size {
		return false
	}
	if bytes.HasPrefix(block[magicAt:], []byte("ustar")) {
		return true
	}
	_, err := tar.NewReader(bytes.NewReader(block)).Next()
	return err == nil || errors.Is(err, io.EOF)
}

func newZstdReader(r io.Reader) (io.ReadCloser, error) {
	decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(WindowZstd), zstd.WithDecodeBuffersBelow(0))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}
