package connections

import (
	"io"
	"net"
	"net/http"
	"time"
)

// TakeOver answers a request of HTTP's CONNECT with 200, once far is connected, and returns
// the caller's connection, without a deadline. What the caller has sent already is passed
// on. The caller of TakeOver closes both.
func TakeOver(w http.ResponseWriter, far io.Writer) (near net.Conn, err error) {
	// The answer goes out after the server has let go of the connection: it reads ahead
	// meanwhile, and would keep the first byte of what the caller says next.
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if _, err = io.CopyN(far, buffered, int64(buffered.Reader.Buffered())); err == nil {
		_, err = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	}
	if err == nil {
		err = near.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	return near, nil
}
