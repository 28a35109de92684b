//go:build linux && cgo

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// tlsHandshake is the first byte of every TLS connection.
const tlsHandshake = 0x16

const (
	plainRequestBytes = 8 << 10         // what is read of a plain request
	plainDrainTime    = 2 * time.Second // and for how long its rest is thrown away
)

// plainDoor answers those who speak http to the port of https, in words instead of
// the alert of TLS. It is under the TLS listener: its connections look at their
// first byte when they are first read, in the time that a handshake has.
type plainDoor struct {
	net.Listener
	redirect bool            // with FORCE_HTTPS: sends them to https
	hosts    map[string]bool // that it redirects to, besides the address that was called
}

func openPlainDoor(listener net.Listener, config Config, hosts []string) *plainDoor {
	door := &plainDoor{Listener: listener, redirect: config.ForceHTTPS, hosts: map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}}
	for _, host := range hosts {
		door.hosts[strings.ToLower(host)] = true
	}
	return door
}

// Accept returns the next connection.
func (d *plainDoor) Accept() (net.Conn, error) {
	connection, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &firstByteConnection{Conn: connection, door: d}, nil
}

// firstByteConnection passes TLS through, and answers everything else itself.
type firstByteConnection struct {
	net.Conn
	door  *plainDoor
	known bool
}

// Read reads on. One goroutine at a time does, as the handshake comes first.
func (c *firstByteConnection) Read(p []byte) (int, error) {
	if c.known || len(p) == 0 {
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	c.known = true
	if p[0] == tlsHandshake {
		return n, err
	}
	c.door.answer(c.Conn, p[:n])
	return 0, io.EOF
}

// answer reads the head of a plain request, says where to go, and lets what is
// left of it run out: a connection that is closed over unread bytes takes the
// answer with it. The deadlines are those of the handshake.
func (d *plainDoor) answer(connection net.Conn, begun []byte) {
	head := io.LimitReader(io.MultiReader(strings.NewReader(string(begun)), connection), plainRequestBytes)
	request, err := http.ReadRequest(bufio.NewReader(head))
	if err != nil {
		return // a scanner, or no http at all
	}
	response := d.response(request, connection.LocalAddr())
	defer func() { _ = response.Body.Close() }()
	if err := response.Write(connection); err != nil {
		return
	}
	if half, ok := connection.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = connection.SetReadDeadline(time.Now().Add(plainDrainTime))
	_, _ = io.CopyN(io.Discard, connection, plainRequestBytes)
}

func (d *plainDoor) response(request *http.Request, local net.Addr) *http.Response {
	if d.redirect && (request.Method == http.MethodGet || request.Method == http.MethodHead) && d.knows(request.Host, local) {
		target := url.URL{Scheme: "https", Host: request.Host, Path: request.URL.Path, RawPath: request.URL.RawPath, RawQuery: request.URL.RawQuery}
		response := plainResponse(request, http.StatusPermanentRedirect, "Berth's admin app is at the same address with https.\n")
		response.Header.Set("Location", target.String())
		return response
	}
	// What was sent in the clear is not sent on as if nothing had happened.
	return plainResponse(request, http.StatusBadRequest, "Berth's admin app speaks https alone: use https:// in place of http:// in the address.\n")
}

func plainResponse(request *http.Request, status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: request, Close: true,
		Header: http.Header{
			"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"},
			"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'"},
		},
		ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}
}

// knows reports whether the host of a request is one of ours, with or without a port.
func (d *plainDoor) knows(hostport string, local net.Addr) bool {
	host := hostport
	if name, port, err := net.SplitHostPort(hostport); err == nil {
		if _, err := netip.ParseAddrPort("[::]:" + port); err != nil {
			return false
		}
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if d.hosts[host] {
		return true
	}
	called, err := netip.ParseAddrPort(fmt.Sprint(local))
	return err == nil && host == called.Addr().Unmap().String()
}
