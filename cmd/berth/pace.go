//go:build linux && cgo

package main

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// paced bounds how long a client may stand still: a body of which nothing is read
// any more (the router sets the pace of those that it reads), and an answer that
// is not taken. Neither has a limit as a whole.
func paced(next http.Handler, still time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writer := &pacedWriter{ResponseWriter: w, controller: http.NewResponseController(w), still: still}
		writer.rest() // the request before it on this connection left its deadline
		if r.ContentLength != 0 {
			_ = writer.controller.SetReadDeadline(time.Now().Add(still))
		}
		next.ServeHTTP(writer, r)
		writer.move() // what is in the buffer is still to be sent
	})
}

// pacedWriter has a deadline while it writes, and none while the handler thinks.
type pacedWriter struct {
	http.ResponseWriter
	controller *http.ResponseController
	still      time.Duration
}

// Write writes within the time that a client may stand still.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.move()
	defer w.rest()
	return w.ResponseWriter.Write(p)
}

// Flush sends what is in the buffer; Gin asks for it by this name.
func (w *pacedWriter) Flush() {
	w.move()
	defer w.rest()
	_ = w.controller.Flush()
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Not every connection has deadlines; those of the server have.
func (w *pacedWriter) move() { _ = w.controller.SetWriteDeadline(time.Now().Add(w.still)) }
func (w *pacedWriter) rest() { _ = w.controller.SetWriteDeadline(time.Time{}) }

// Hijack gives the connection away without a deadline; Gin asks for it by this name, for a
// WebSocket.
func (w *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffer, err := w.controller.Hijack()
	if err != nil {
		return nil, nil, err
	}
	return connection, buffer, connection.SetDeadline(time.Time{})
}
