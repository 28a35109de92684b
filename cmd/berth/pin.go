package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"berth/controller/pinned"
)

// pin makes the client take one certificate and no other, whoever vouches for it.
func (c *client) pin(fingerprint string) {
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok || fingerprint == "" {
		return
	}
	transport.TLSClientConfig = pinned.Config(fingerprint)
}

// shownCertificate returns the fingerprint of a certificate that no authority vouches for;
// empty where one does.
func (c *client) shownCertificate(ctx context.Context) (string, error) {
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok || c.base.Scheme != "https" {
		return "", nil
	}
	shown := ""
	config := transport.TLSClientConfig.Clone()
	config.ServerName = c.base.Hostname()
	address := c.base.Host
	if c.base.Port() == "" {
		address = net.JoinHostPort(c.base.Hostname(), "443")
	}
	err := dialTLS(ctx, address, config)
	if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); unknown {
		config.InsecureSkipVerify = true // only its fingerprint is read, and nothing is sent
		config.VerifyConnection = func(state tls.ConnectionState) error {
			shown = pinned.FingerprintOf(state.PeerCertificates[0])
			return nil
		}
		err = dialTLS(ctx, address, config)
	}
	if err != nil {
		return "", unreachable(fmt.Errorf("look at the certificate: %w", err))
	}
	return shown, nil
}

func dialTLS(ctx context.Context, address string, config *tls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	connection, err := dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	named := config.Clone()
	if named.ServerName == "" {
		named.ServerName, _, _ = net.SplitHostPort(address)
	}
	return errors.Join(tls.Client(connection, named).HandshakeContext(ctx), connection.Close())
}
