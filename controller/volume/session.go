package volume

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Session asks the other side, which runs Serve, for one thing after the other.
// It is for one goroutine. An error that is no *Refusal ends it.
type Session struct {
	wire *wire
	end  func() error
}

// NewSession speaks with a Serve that reads what is written to out and is read
// from in. end is called by Close.
func NewSession(in io.Reader, out io.Writer, end func() error) *Session {
	return &Session{wire: newWire(in, out), end: end}
}

// Close ends the session, and with it what is under way.
func (s *Session) Close() error { return s.end() }

// List returns at most limit entries of a folder.
func (s *Session) List(folder Path, limit int) (Listing, error) {
	result, err := s.ask(request{Verb: verbList, Path: []byte(folder), Limit: int64(limit)})
	if err != nil {
		return Listing{}, err
	}
	listing := Listing{More: result.More}
	lines := &content{wire: s.wire}
	for decoder := json.NewDecoder(lines); ; {
		var entry wireEntry
		if err := decoder.Decode(&entry); errors.Is(err, io.EOF) {
			return listing, nil
		} else if err != nil {
			return Listing{}, fmt.Errorf("read listing: %w", err)
		}
		if len(listing.Entries) == limit {
			return Listing{}, errors.New("read listing: more entries than were asked for")
		}
		listing.Entries = append(listing.Entries, entry.entry())
	}
}

// Find returns what is at the path, itself and not where it leads.
func (s *Session) Find(path Path) (Entry, error) {
	result, err := s.ask(request{Verb: verbStat, Path: []byte(path)})
	return result.one(), err
}

// Count counts the folder, which is the volume where it is empty, for at most limit.
func (s *Session) Count(folder Path, limit time.Duration) (Usage, error) {
	result, err := s.ask(request{Verb: verbCount, Path: []byte(folder), Limit: int64(limit)})
	if err != nil || result.Usage == nil {
		return Usage{}, err
	}
	return *result.Usage, nil
}

// Read returns a file and its content, which must be read to its end before the
// session can do something else. It is exactly as long as the entry says, or
// ends with an error.
func (s *Session) Read(path Path) (Entry, io.Reader, error) {
	result, err := s.ask(request{Verb: verbRead, Path: []byte(path)})
	return result.one(), &content{wire: s.wire}, err
}

// Pack returns a folder as an uncompressed tar, to be read as Read's content.
func (s *Session) Pack(folder Path) (io.Reader, error) {
	_, err := s.ask(request{Verb: verbPack, Path: []byte(folder)})
	return &content{wire: s.wire}, err
}

// WriteAll writes the tar of the whole volume, with the entry of its root first. Restore
// makes a volume of it whose tar is the same.
func (s *Session) WriteAll(to io.Writer) error {
	root, err := s.Find("")
	if err != nil {
		return err
	}
	out := tar.NewWriter(to)
	if err := errors.Join(out.WriteHeader(RootHeader(root)), out.Flush()); err != nil {
		return err
	}
	content, err := s.Pack("")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, content)
	return err
}

// WriteOptions says where content goes, and as what.
type WriteOptions struct {
	Path  Path // of the file, or of the folder that a tree is unpacked in
	Owner Owner
	Mode  fs.FileMode // of the file; 0 is 0644. A tree brings its own.
	Limit int64       // bytes; 0 allows nothing
}

// Write puts what from holds into one file, making the folders above it. A file
// that is there is replaced in one step when the content is whole.
func (s *Session) Write(o WriteOptions, from io.Reader) (Entry, error) {
	if o.Mode == 0 {
		o.Mode = modeFile
	}
	result, err := s.give(o.request(verbWrite), func(w io.Writer) error {
		_, err := io.CopyBuffer(onlyWriter{w}, onlyReader{from}, make([]byte, frameBytes))
		return err
	})
	return result.one(), err
}

// Unpack puts the tar that write writes into a folder: all of it, or nothing. It
// may replace files that are there; folders are merged.
func (s *Session) Unpack(o WriteOptions, write func(io.Writer) error) error {
	_, err := s.give(o.request(verbUnpack), write)
	return err
}

// MakeFolder makes a folder and those above it. One that is there is fine.
func (s *Session) MakeFolder(path Path, owner Owner) error {
	_, err := s.ask(request{Verb: verbFolder, Path: []byte(path), Owner: owner})
	return err
}

// Remove removes a file, or a folder with all that is in it.
func (s *Session) Remove(path Path) error {
	_, err := s.ask(request{Verb: verbRemove, Path: []byte(path)})
	return err
}

// Sweep removes what uploads that were cut off have left, and nothing of what comes in now.
func (s *Session) Sweep() error {
	_, err := s.ask(request{Verb: verbSweep})
	return err
}

// Adopt gives the root of an empty volume to owner. It reports whether the
// volume was empty and another's.
func (s *Session) Adopt(owner Owner) (bool, error) {
	result, err := s.ask(request{Verb: verbAdopt, Owner: owner})
	return result.Done, err
}

func (o WriteOptions) request(v verb) request {
	return request{Verb: v, Path: []byte(o.Path), Owner: o.Owner, Mode: o.Mode, Limit: o.Limit}
}

func (s *Session) ask(asked request) (answer, error) {
	if err := s.wire.sendMessage(asked); err != nil {
		return answer{}, fmt.Errorf("ask for %s: %w", asked.Verb, err)
	}
	return s.receive(asked.Verb)
}

func (s *Session) receive(asked verb) (answer, error) {
	var result answer
	if err := s.wire.receiveMessage(&result); err != nil {
		return answer{}, fmt.Errorf("ask for %s: %w", asked, unexpected(err))
	}
	if result.Refusal != nil {
		return answer{}, result.Refusal
	}
	if result.Failure != "" {
		return answer{}, fmt.Errorf("%s in volume: %s", asked, result.Failure)
	}
	return result, nil
}

// give asks for something that takes content. An answer before the content's end
// is a refusal, and stops the content. The content's own error wins.
func (s *Session) give(asked request, write func(io.Writer) error) (answer, error) {
	if err := s.wire.sendMessage(asked); err != nil {
		return answer{}, fmt.Errorf("ask for %s: %w", asked.Verb, err)
	}
	type reply struct {
		answer
		err error
	}
	replies := make(chan reply, 1)
	answered := make(chan struct{})
	go func() {
		result, err := s.receive(asked.Verb)
		replies <- reply{result, err}
		close(answered)
	}()
	err := write(&unlessAnswered{to: s.wire, answered: answered})
	if finishErr := s.wire.finish(err); finishErr != nil && err == nil {
		err = finishErr
	}
	// Where the stream is broken, whoever made it ends it, and with it this wait.
	got := <-replies
	if refusal, ok := errors.AsType[*Refusal](got.err); ok { // why the content could not be given
		return answer{}, refusal
	}
	if err != nil && !errors.Is(err, errAnswered) {
		return answer{}, err
	}
	return got.answer, got.err
}

var errAnswered = errors.New("the answer came before the content's end")

// unlessAnswered ends content that is not wanted any more.
type unlessAnswered struct {
	to       io.Writer
	answered <-chan struct{}
}

// Write implements io.Writer.
func (u *unlessAnswered) Write(data []byte) (int, error) {
	select {
	case <-u.answered:
		return 0, errAnswered
	default:
		return u.to.Write(data)
	}
}

// onlyReader hides the other methods of a reader, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }

func (a answer) one() Entry {
	if a.Entry == nil {
		return Entry{}
	}
	return a.Entry.entry()
}
