package traefik

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	tlsFolder    = "tls"
	fallbackName = "fallback.pem"

	fallbackLife = 10 * 365 * 24 * time.Hour
	fallbackRest = 365 * 24 * time.Hour // a new one is made when less than this is left
)

// ensureFallback keeps a self-signed certificate with its key in one file, for hosts
// without a certificate. Without this file the proxy makes an RSA key at each change of a
// route, which takes up to a quarter of a second, and browsers would ask again for trust.
func ensureFallback(folder string, now time.Time) error {
	path := filepath.Join(folder, tlsFolder, fallbackName)
	if lastsLonger(path, now.Add(fallbackRest)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the key in it has a mode of its own
		return fmt.Errorf("make folder of certificates: %w", err)
	}
	pair, err := newFallback(now)
	if err != nil {
		return fmt.Errorf("make fallback certificate: %w", err)
	}
	if _, err := replaceFile(folder, path, pair, privateMode); err != nil {
		return fmt.Errorf("write fallback certificate: %w", err)
	}
	return nil
}

func lastsLonger(path string, until time.Time) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	pair, err := tls.X509KeyPair(text, text)
	return err == nil && pair.Leaf.NotAfter.After(until)
}

func newFallback(now time.Time) ([]byte, error) {
	chain, key, err := SelfSign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Berth has no certificate for this host"},
		DNSNames:              []string{"fallback." + verifyDomain},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(fallbackLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	})
	return append(chain, key...), err
}
