package traefik

import (
	"crypto/x509"
	"testing"
	"time"
)

// selfSigned makes a certificate for the host with its key, in PEM.
func selfSigned(t *testing.T, host string) []byte {
	t.Helper()
	chain, key, err := SelfSign(&x509.Certificate{
		DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(chain, key...)
}
