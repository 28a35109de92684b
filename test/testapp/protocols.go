package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// serveGRPC speaks HTTP/2 without TLS and nothing else, as gRPC servers do: a call is
// answered with its own message, and whatever is no call with 415.
func serveGRPC() error {
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: ":8000", ReadHeaderTimeout: 10 * time.Second, Protocols: &only, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.Copy(w, io.LimitReader(r.Body, 1<<20))
		w.Header().Set("Grpc-Status", "0")
	})}
	return server.ListenAndServe()
}

// serveWebSocket answers 426 to whatever does not ask for another protocol, and gives
// back each line of what does.
func serveWebSocket() error {
	return http.ListenAndServe(":8000", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for lines := bufio.NewScanner(buffered); lines.Scan(); {
			fmt.Fprintln(connection, lines.Text())
		}
	}))
}

// serveLines greets whoever connects, and closes.
func serveLines() error {
	listener, err := net.Listen("tcp", ":8000")
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintln(connection, "testapp")
		connection.Close()
	}
}
