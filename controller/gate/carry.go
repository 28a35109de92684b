package gate

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

const (
	waitBytes   = 2 << 10  // while little comes
	streamBytes = 64 << 10 // at a time, without passing through here
	streamPause = 250 * time.Millisecond
)

// carry copies from one connection to the other until the end, which it passes on.
// What is written has to be taken within still, about every 64 KB of it. It tells
// moved of all that it carried.
func carry(to, from *net.TCPConn, still time.Duration, moved func(int64)) error {
	buffer := make([]byte, waitBytes)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(still))
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
			moved(int64(n))
		}
		if err == nil && n == len(buffer) {
			err = stream(to, from, still, moved)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return to.CloseWrite()
		default:
			return err
		}
	}
}

// stream lets the kernel move what comes until nothing does for a moment: a pipe
// that waits is memory that others need.
func stream(to, from *net.TCPConn, still time.Duration, moved func(int64)) error {
	defer func() { _ = from.SetReadDeadline(time.Time{}) }()
	for {
		begin := time.Now()
		_ = from.SetReadDeadline(begin.Add(streamPause))
		_ = to.SetWriteDeadline(begin.Add(still))
		n, err := io.CopyN(to, from, streamBytes)
		if n > 0 {
			moved(n)
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(begin) < still:
			return nil
		default:
			return err
		}
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
