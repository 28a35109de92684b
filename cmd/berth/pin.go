package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// fingerprintOf is the SHA-256 of a certificate, as openssl x509 -fingerprint writes it.
func fingerprintOf(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	parts := make([]string, 0, len(sum))
	for _, b := range sum {
		parts = append(parts, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return strings.Join(parts, ":")
}

// plainFingerprint is a fingerprint as it is compared, however it was written.
func plainFingerprint(text string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(text, "SHA256:"), ":", ""))
}

// pin makes the client take one certificate and no other, whoever vouches for it.
func (c *client) pin(fingerprint string) {
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok || fingerprint == "" {
		return
	}
	transport.TLSClientConfig = pinnedTo(fingerprint)
}

// pinnedTo checks the certificate by its fingerprint, in place of its authority and names.
func pinnedTo(fingerprint string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the whole certificate
		VerifyConnection: func(state tls.ConnectionState) error {
			shown := fingerprintOf(state.PeerCertificates[0])
			if plainFingerprint(shown) != plainFingerprint(fingerprint) {
				return &pinError{shown}
			}
			return nil
		},
	}
}

// pinError is a server that shows another certificate than the one that was agreed to.
type pinError struct{ shown string }

func (e *pinError) Error() string { return "the server shows the certificate " + e.shown }

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
			shown = fingerprintOf(state.PeerCertificates[0])
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
