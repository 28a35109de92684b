package pieces

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Write writes the archive as its missing pieces and the sums of all others.
func Write(to io.Writer, archive io.Reader, missing []Sum) error {
	sent := make(map[Sum]bool, len(missing))
	for _, sum := range missing {
		sent[sum] = true
	}
	out, whole := bufio.NewWriter(to), sha256.New()
	_, _ = out.WriteString(magic) // a bufio.Writer keeps its first error for Flush
	err := cut(archive, func(_ int64, sum Sum, piece []byte) error {
		_, _ = whole.Write(piece)
		if !sent[sum] {
			_ = out.WriteByte(recordHave)
			_, err := out.Write(sum[:])
			return err
		}
		_ = out.WriteByte(recordNew)
		_ = binary.Write(out, binary.BigEndian, uint32(len(piece)))
		_, err := out.Write(piece)
		return err
	})
	if err != nil {
		return err
	}
	_ = out.WriteByte(recordEnd)
	_, _ = out.Write(whole.Sum(nil))
	return out.Flush()
}

// Expand returns the archive of which Write wrote the stream. Reading it ends with
// ErrUnknown or ErrMalformed where it cannot be made, or is another one in the end.
func (b *Base) Expand(stream io.Reader) io.Reader {
	return &expanding{base: b, in: bufio.NewReader(stream), whole: sha256.New()}
}

// expanding is an archive on its way.
type expanding struct {
	base  *Base
	in    *bufio.Reader
	whole hash.Hash
	begun bool
	piece []byte // what is left of the last one
	room  []byte
	err   error
}

// Read implements io.Reader.
func (e *expanding) Read(to []byte) (int, error) {
	for len(e.piece) == 0 && e.err == nil {
		e.err = e.next()
	}
	if len(e.piece) == 0 {
		return 0, e.err
	}
	n := copy(to, e.piece)
	e.piece = e.piece[n:]
	return n, nil
}

// next makes the next piece, or returns io.EOF after the last one.
func (e *expanding) next() error {
	if !e.begun {
		e.begun = true
		if err := e.take(len(magic)); err != nil {
			return err
		}
		if string(e.room) != magic {
			return ErrMalformed
		}
	}
	kind, err := e.in.ReadByte()
	if err != nil {
		return cutShort(err)
	}
	switch kind {
	case recordHave:
		err = e.fromBase()
	case recordNew:
		err = e.fromStream()
	case recordEnd:
		return e.end()
	default:
		return ErrMalformed
	}
	if err != nil {
		return err
	}
	_, _ = e.whole.Write(e.room)
	e.piece = e.room
	return nil
}

func (e *expanding) fromBase() error {
	if err := e.take(sha256.Size); err != nil {
		return err
	}
	found, ok := e.base.index[Sum(e.room)]
	if !ok {
		return ErrUnknown
	}
	e.make(found.bytes)
	if _, err := e.base.archive.ReadAt(e.room, found.at); err != nil {
		return fmt.Errorf("read the archive that the upload builds on: %w", err)
	}
	return nil
}

func (e *expanding) fromStream() error {
	const lengthBytes = 4
	if err := e.take(lengthBytes); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(e.room)
	if length == 0 || length > uint32(sizes.Most) {
		return ErrMalformed
	}
	return e.take(int(length))
}

// end compares the whole. Nothing may follow.
func (e *expanding) end() error {
	if err := e.take(sha256.Size); err != nil {
		return err
	}
	if Sum(e.room) != Sum(e.whole.Sum(nil)) {
		return ErrUnknown
	}
	if _, err := e.in.ReadByte(); err == nil {
		return ErrMalformed
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

func (e *expanding) make(bytes int) {
	if cap(e.room) < bytes {
		e.room = make([]byte, max(bytes, sizes.Usual))
	}
	e.room = e.room[:bytes]
}

func (e *expanding) take(bytes int) error {
	e.make(bytes)
	_, err := io.ReadFull(e.in, e.room)
	return cutShort(err)
}

// cutShort takes the end of the stream for what it is where more should come.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrMalformed, io.ErrUnexpectedEOF)
	}
	return err
}
