// Package pinned checks the certificate of a server by its fingerprint, in place of its authority and names.
package pinned

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strings"
)

// FingerprintOf is the SHA-256 of a certificate, as openssl x509 -fingerprint writes it.
func FingerprintOf(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	parts := make([]string, 0, len(sum))
	for _, b := range sum {
		parts = append(parts, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return strings.Join(parts, ":")
}

// Plain is a fingerprint as it is compared, however it was written.
func Plain(text string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(text, "SHA256:"), ":", ""))
}

// Valid reports whether the text is a SHA-256 fingerprint, with or without colons.
func Valid(text string) bool {
	sum, err := hex.DecodeString(Plain(text))
	return err == nil && len(sum) == sha256.Size
}

// Error is a server that shows another certificate than the one that was agreed to.
type Error struct{ Shown string }

func (e *Error) Error() string { return "the server shows the certificate " + e.Shown }

// Config takes one certificate and no other, whoever vouches for it. Another one is an *Error.
func Config(fingerprint string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the whole certificate
		VerifyConnection: func(state tls.ConnectionState) error {
			if shown := FingerprintOf(state.PeerCertificates[0]); Plain(shown) != Plain(fingerprint) {
				return &Error{shown}
			}
			return nil
		},
	}
}
