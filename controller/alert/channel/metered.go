package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// meteredConn ends once it has read its bound: a server cannot talk for ever.
type meteredConn struct {
	net.Conn

	left int
}

var errTooLong = errors.New("the server answered with too much")

// Read reads from the connection.
func (c *meteredConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// tlsOver makes connections that are encrypted from the first byte.
func tlsOver(dial Dial, host string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		connection := tls.Client(plain, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		if err := connection.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, plain.Close())
		}
		return connection, nil
	}
}
