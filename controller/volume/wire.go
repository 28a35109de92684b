package volume

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"berth/controller/printable"
)

// frameBytes is the most that one frame carries, and with it what a session
// holds of a file at a time.
const frameBytes = 128 << 10

// frameKind says what a frame is.
type frameKind byte

// The frames. A request is a message; one with content is followed by data and
// an end, or an abort where the content cannot be had. The answer is the same.
const (
	frameMessage frameKind = 'm' // JSON
	frameData    frameKind = 'd'
	frameEnd     frameKind = 'e'
	frameAbort   frameKind = 'x' // the content before it is void; JSON of the answer that says why
)

// ErrAborted says that the other side gave up content that it was sending.
var ErrAborted = errors.New("content was given up")

// wire is one side of a session: frames out, frames in, one after the other.
type wire struct {
	in      *bufio.Reader
	out     *bufio.Writer
	payload []byte // of the last frame received
}

func newWire(in io.Reader, out io.Writer) *wire {
	return &wire{in: bufio.NewReaderSize(in, 64<<10), out: bufio.NewWriterSize(out, frameBytes+5)}
}

// send writes one frame and does not wait for more.
func (w *wire) send(kind frameKind, payload []byte) error {
	if len(payload) > frameBytes {
		return fmt.Errorf("frame of %d bytes", len(payload))
	}
	header := binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(len(payload)))
	if _, err := w.out.Write(header); err != nil {
		return err
	}
	if _, err := w.out.Write(payload); err != nil {
		return err
	}
	return w.out.Flush()
}

// receive reads one frame. The payload is good until the next.
func (w *wire) receive() (frameKind, []byte, error) {
	var header [5]byte
	if _, err := io.ReadFull(w.in, header[:]); err != nil {
		return 0, nil, err
	}
	length := int(binary.BigEndian.Uint32(header[1:]))
	if length > frameBytes {
		return 0, nil, fmt.Errorf("frame of %d bytes", length)
	}
	if w.payload == nil {
		w.payload = make([]byte, frameBytes)
	}
	if _, err := io.ReadFull(w.in, w.payload[:length]); err != nil {
		return 0, nil, unexpected(err)
	}
	return frameKind(header[0]), w.payload[:length], nil
}

func (w *wire) sendMessage(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	return w.send(frameMessage, text)
}

// receiveMessage returns io.EOF where the other side has ended the session.
func (w *wire) receiveMessage(message any) error {
	kind, payload, err := w.receive()
	if err != nil {
		return err
	}
	if kind != frameMessage {
		return fmt.Errorf("frame %q instead of a message", byte(kind))
	}
	return json.Unmarshal(payload, message)
}

// content reads the data that follows a message, to its end: io.EOF. It is
// ErrAborted, or the other side's *Refusal, where the rest does not come.
type content struct {
	wire *wire
	rest []byte
	err  error
}

// Read implements io.Reader.
func (c *content) Read(buffer []byte) (int, error) {
	for len(c.rest) == 0 && c.err == nil {
		c.rest, c.err = c.next()
	}
	if len(c.rest) == 0 {
		return 0, c.err
	}
	n := copy(buffer, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// WriteTo implements io.WriterTo, so that io.Copy needs no buffer of its own.
func (c *content) WriteTo(to io.Writer) (written int64, err error) {
	for {
		if len(c.rest) > 0 {
			n, err := to.Write(c.rest)
			written += int64(n)
			if c.rest = c.rest[n:]; err != nil {
				return written, err
			}
		}
		if errors.Is(c.err, io.EOF) {
			return written, nil
		}
		if c.err != nil {
			return written, c.err
		}
		c.rest, c.err = c.next()
	}
}

func (c *content) next() ([]byte, error) {
	kind, payload, err := c.wire.receive()
	switch {
	case err != nil:
		return nil, unexpected(err)
	case kind == frameData:
		return payload, nil
	case kind == frameEnd:
		return nil, io.EOF
	case kind == frameAbort:
		return nil, abortion(payload)
	default:
		return nil, fmt.Errorf("frame %q inside content", byte(kind))
	}
}

// drain reads on to the end, so that the next frame is a message again.
func (c *content) drain() error {
	for c.err == nil {
		_, c.err = c.next()
	}
	c.rest = nil
	if _, refused := errors.AsType[*Refusal](c.err); refused || errors.Is(c.err, io.EOF) || errors.Is(c.err, ErrAborted) {
		return nil
	}
	return c.err
}

func abortion(payload []byte) error {
	var reason answer
	if len(payload) == 0 || json.Unmarshal(payload, &reason) != nil {
		return ErrAborted
	}
	if reason.Refusal != nil {
		return reason.Refusal
	}
	return fmt.Errorf("%w: %s", ErrAborted, reason.Failure)
}

// Write sends data frames; finish must follow.
func (w *wire) Write(data []byte) (int, error) {
	sent := 0
	for sent < len(data) {
		n := min(len(data)-sent, frameBytes)
		if err := w.send(frameData, data[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// finish ends the content: whole where err is nil, else void.
func (w *wire) finish(err error) error {
	if err == nil {
		return w.send(frameEnd, nil)
	}
	reason, err := json.Marshal(failed(err))
	if err != nil {
		return fmt.Errorf("encode failure: %w", err)
	}
	return w.send(frameAbort, reason)
}

// unexpected is for a stream that ends where it must not.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// verb is what a request asks for.
type verb string

const (
	verbList    verb = "list"
	verbStat    verb = "stat"
	verbCount   verb = "count"
	verbRead    verb = "read"
	verbPack    verb = "pack"
	verbWrite   verb = "write"
	verbUnpack  verb = "unpack"
	verbRestore verb = "restore"
	verbFolder  verb = "folder"
	verbRemove  verb = "remove"
	verbAdopt   verb = "adopt"
	verbHand    verb = "hand"
	verbSweep   verb = "sweep"
	verbMove    verb = "move"
)

// request is one message to the side that has the volume. A path is bytes,
// because JSON would change a name that is not text.
type request struct {
	Verb  verb
	Path  []byte
	Owner Owner
	Mode  fs.FileMode
	Way   Way    `json:",omitempty"`
	Token string `json:",omitempty"` // of a socket that the session moves to
	Limit int64  // bytes, entries or nanoseconds, as the verb has it
}

// answer is what comes back: a refusal, a failure in words for the log, or the result.
type answer struct {
	Refusal *Refusal   `json:",omitempty"`
	Failure string     `json:",omitempty"`
	Entry   *wireEntry `json:",omitempty"`
	Usage   *Usage     `json:",omitempty"`
	More    bool       `json:",omitempty"`
	Done    bool       `json:",omitempty"`
}

// failed is the answer that tells of err.
func failed(err error) answer {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return answer{Refusal: refusal}
	}
	return answer{Failure: printable.Name(err.Error(), shownBytes)}
}

// wireEntry is an Entry with its names as bytes.
type wireEntry struct {
	Entry
	Name, Link []byte
}

func toWire(e Entry) *wireEntry {
	return &wireEntry{Entry: Entry{Kind: e.Kind, Mode: e.Mode, Size: e.Size, Modified: e.Modified, Owner: e.Owner}, Name: []byte(e.Name), Link: []byte(e.Link)}
}

func (w *wireEntry) entry() Entry {
	e := w.Entry
	e.Name, e.Link = string(w.Name), string(w.Link)
	return e
}
