package volume

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counted counts what the stream carries, which a session that has moved does not use.
type counted struct {
	io.Writer
	bytes int
}

func (c *counted) Write(data []byte) (int, error) {
	c.bytes += len(data)
	return c.Writer.Write(data)
}

// transferring returns a session whose other side looks for sockets in the folder, and what
// the session writes to the stream.
func transferring(t *testing.T, transfer string) (session *Session, stream *counted, folder string) {
	t.Helper()
	folder = t.TempDir()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	requests, ask := io.Pipe()
	answers, reply := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = reply.CloseWithError(Serve(root, transfer, requests, reply))
	}()
	stream = &counted{Writer: ask}
	session = NewSession(answers, stream, func() error { return errors.Join(answers.Close(), ask.Close()) })
	t.Cleanup(func() {
		_ = session.Close()
		<-ended
		_ = root.Close()
	})
	return session, stream, folder
}

func wantEmpty(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

func TestMove_ContentNoLongerUsesTheStream(t *testing.T) {
	t.Parallel()
	transfer := t.TempDir()
	session, stream, folder := transferring(t, transfer)
	moved, err := session.Move(transfer)
	if err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, transfer)
	before := stream.bytes
	text := strings.Repeat("content ", 100_000)
	if err := write(t, session, "a/b.txt", text); err != nil {
		t.Fatal(err)
	}
	if got, err := read(session, "a/b.txt"); err != nil || got != text {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if textOf(t, folder, "a/b.txt") != text || stream.bytes != before {
		t.Errorf("the stream carried %d bytes more", stream.bytes-before)
	}
	_, err = session.Find("nothing")
	wantRefusal(t, err, Missing)
	if err := moved.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Find(""); err == nil {
		t.Error("the session goes on although its socket is closed")
	}
}

func TestMove_SessionGoesOnWhereItCannotMove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ here, there string }{
		"this side has no folder":      {filepath.Join(t.TempDir(), "nothing"), t.TempDir()},
		"the other side has none":      {t.TempDir(), ""},
		"the sides have other ones":    {t.TempDir(), t.TempDir()},
		"the path of a socket is long": {filepath.Join(t.TempDir(), strings.Repeat("x", 200)), t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, _, folder := transferring(t, c.there)
			moved, err := session.Move(c.here)
			wantRefusal(t, err, Missing)
			if moved != nil {
				t.Error("there is a connection")
			}
			if err := write(t, session, "a", "text"); err != nil || textOf(t, folder, "a") != "text" {
				t.Errorf("write: %v", err)
			}
		})
	}
}

// Another helper sees the folder too: whoever connects without the token gets nothing, and
// does not keep the other side out.
func TestMove_StrangerAtTheSocketIsSentAway(t *testing.T) {
	t.Parallel()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "socket"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dial := func(text string) net.Conn {
		connection, err := net.Dial("unix", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(connection, text)
		return connection
	}
	silent, stranger := dial(""), dial("wrong token!")
	defer silent.Close()
	defer stranger.Close()
	friend := dial("right token!and more")
	defer friend.Close()
	accepted, err := acceptToken(listener, "right token!")
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	more := make([]byte, 8)
	if _, err := io.ReadFull(accepted, more); err != nil || string(more) != "and more" {
		t.Errorf("got %q, %v", more, err)
	}
	_ = stranger.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := stranger.Read(more); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stranger was not sent away: %d, %v", n, err)
	}
}

// What asks for a path outside the folder is not followed.
func TestMove_NameIsThatOfASocketAlone(t *testing.T) {
	t.Parallel()
	outside, transfer := t.TempDir(), t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(outside, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	session, _, _ := transferring(t, transfer)
	for _, name := range []string{"../" + filepath.Base(outside) + "/socket", listener.Addr().String(), "", "."} {
		_, err := session.ask(request{Verb: verbMove, Path: []byte(name), Token: "token"})
		wantRefusal(t, err, Missing)
	}
}

func TestSweepTransfer_RemovesWhatAKilledProcessHasLeftAndNoSocketInUse(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"OLD", "NEW"} {
		listener, err := net.Listen("unix", filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
	}
	place(t, folder, "file", "is nobody's socket")
	long := time.Now().Add(-time.Hour)
	for _, name := range []string{"OLD", "file"} {
		if err := os.Chtimes(filepath.Join(folder, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := SweepTransfer(folder); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 2 || left[0].Name() != "NEW" {
		t.Errorf("left: %v, %v", left, err)
	}
}
