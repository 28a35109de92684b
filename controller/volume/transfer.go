package volume

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

const (
	// transferTimeout bounds how long both sides take to meet at a socket.
	transferTimeout = 5 * time.Second
	// tokenTimeout bounds the wait for a token. The right one was sent before it is waited for.
	tokenTimeout = time.Second
)

// transferName is how rand.Text writes: no name leads out of the folder.
var transferName = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Move moves the session to a socket of its own in a folder that Serve has too, so that
// whatever carries the stream carries no content. The caller closes what it returns once
// the session is closed. After a *Refusal the session goes on over the stream.
//
// Others may see the folder: the socket has a random name, takes one connection that sends
// the token of the stream, and is gone once that is there.
func (s *Session) Move(folder string) (io.Closer, error) {
	name, token := rand.Text(), rand.Text()
	path := filepath.Join(folder, name)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, refuseToMove(err)
	}
	defer func() { _ = listener.Close() }() // and remove the socket
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, refuseToMove(err)
	}
	if _, err := s.ask(request{Verb: verbMove, Path: []byte(name), Token: token}); err != nil {
		return nil, err
	}
	connection, err := acceptToken(listener, token)
	if err != nil {
		return nil, fmt.Errorf("move session: %w", err)
	}
	// Why the other side has ended is said where the session began.
	s.wire = newWire(io.MultiReader(connection, s.wire.in), connection)
	return connection, nil
}

// SweepTransfer removes sockets that a process has left which was killed while a session
// moved. Those of sessions that move now stay.
func SweepTransfer(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		info, gone := entry.Info()
		if gone == nil && info.Mode().Type() == fs.ModeSocket && time.Since(info.ModTime()) > 2*transferTimeout {
			err = errors.Join(err, skipMissing(os.Remove(filepath.Join(folder, entry.Name()))))
		}
	}
	return err
}

func refuseToMove(err error) *Refusal {
	return refuse(Missing, "", "The socket of the session cannot be used: "+err.Error(), "Check the volume for transfers in docker-compose.yml.")
}

// acceptToken returns the connection that sends the token, which is there already.
func acceptToken(listener *net.UnixListener, token string) (net.Conn, error) {
	if err := listener.SetDeadline(time.Now().Add(transferTimeout)); err != nil {
		return nil, err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return nil, err
		}
		sent := make([]byte, len(token))
		_ = connection.SetDeadline(time.Now().Add(tokenTimeout))
		_, err = io.ReadFull(connection, sent)
		if err == nil && subtle.ConstantTimeCompare(sent, []byte(token)) == 1 {
			return connection, connection.SetDeadline(time.Time{})
		}
		_ = connection.Close()
	}
}

// move goes on over the socket of the name, or says why it stays.
func (k *keeper) move(asked request) error {
	connection, err := k.dial(string(asked.Path), asked.Token)
	if err != nil {
		return k.answer(answer{}, refuseToMove(err))
	}
	if err := k.answer(answer{}, nil); err != nil {
		return errors.Join(err, connection.Close())
	}
	k.moved = append(k.moved, connection)
	k.wire = newWire(connection, connection)
	return nil
}

func (k *keeper) dial(name, token string) (net.Conn, error) {
	if k.transfer == "" || !transferName.MatchString(name) {
		return nil, fs.ErrNotExist
	}
	connection, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(k.transfer, name), Net: "unix"})
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(connection, token); err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return connection, nil
}
