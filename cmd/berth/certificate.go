//go:build linux && cgo

package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"berth/traefik"
)

// A certificate of our own holds for ownLifetime and is made anew, at a start or
// while the server runs, once less than ownRenewal of it is left.
const (
	ownLifetime = 2 * 365 * 24 * time.Hour
	ownRenewal  = 60 * 24 * time.Hour
)

// certificateFiles returns where the certificate and the key of the admin app
// are: the configured ones, or Berth's own in the data folder.
func (c Config) certificateFiles() (certificate, key string) {
	if c.CertificateFile != "" {
		return c.CertificateFile, c.KeyFile
	}
	return filepath.Join(c.DataFolder, "tls", "admin.crt"), filepath.Join(c.DataFolder, "tls", "admin.key")
}

// openCertificate returns the certificate of the admin app. Berth's own is made
// where there is none that can be used; a configured one is never touched.
func openCertificate(c Config, logger *slog.Logger) (tls.Certificate, error) {
	certificateFile, keyFile := c.certificateFiles()
	if c.CertificateFile == "" {
		return openOwnCertificate(certificateFile, keyFile, ownNames(c), logger)
	}
	certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	if err != nil {
		return tls.Certificate{}, &usageError{fmt.Errorf("load the certificate %s with the key %s: %w", certificateFile, keyFile, err)}
	}
	if info, err := os.Stat(keyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		logger.Warn("the key of the certificate can be read by everybody", "file", keyFile, "mode", info.Mode().Perm())
	}
	if err := checkLeaf(certificate.Leaf, time.Now()); err != nil {
		return tls.Certificate{}, &usageError{fmt.Errorf("the certificate %s cannot be used: %w; replace it, or leave ssl.cert.file (SSL_CERT_FILE) empty for Berth's own", certificateFile, err)}
	}
	if time.Now().Before(certificate.Leaf.NotBefore) {
		logger.Warn("the certificate of the admin app does not hold yet", "file", certificateFile, "holds_from", certificate.Leaf.NotBefore)
	}
	return certificate, nil
}

// ownNames is what our own certificate is valid for.
func ownNames(c Config) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, host := range c.ownHosts() {
		names = append(names, string(host))
	}
	return names
}

func openOwnCertificate(certificateFile, keyFile string, names []string, logger *slog.Logger) (tls.Certificate, error) {
	certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	var reason string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "there was none"
	case err != nil:
		reason = err.Error()
	default:
		reason = unusable(certificate.Leaf, keyFile, names)
	}
	if reason == "" {
		return certificate, nil
	}
	if err := createCertificate(certificateFile, keyFile, names); err != nil {
		return tls.Certificate{}, fmt.Errorf("create certificate: %w", err)
	}
	logger.Info("made a certificate for the admin app", "file", certificateFile, "reason", reason)
	return tls.LoadX509KeyPair(certificateFile, keyFile)
}

// unusable says why our own certificate has to be made anew; empty where it has not.
func unusable(leaf *x509.Certificate, keyFile string, names []string) string {
	if time.Until(leaf.NotAfter) < ownRenewal {
		return "the old one expires soon"
	}
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return "the old one is not valid for " + name
		}
	}
	info, err := os.Stat(keyFile)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		return "the old key could be read by others"
	}
	return ""
}

// createCertificate makes a key (mode 0600) and a certificate of it, signed by
// itself (0644). A crash between the two leaves a pair that does not match,
// which the next start makes anew.
func createCertificate(certificateFile, keyFile string, names []string) error {
	chain, key, err := traefik.SelfSign(certificateTemplate(names))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		return err
	}
	if err := writeWhole(keyFile, key, 0o600); err != nil {
		return err
	}
	return writeWhole(certificateFile, chain, 0o644)
}

func certificateTemplate(names []string) *x509.Certificate {
	if hostname, err := os.Hostname(); err == nil && !slices.Contains(names, hostname) {
		names = append(names, hostname)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Berth admin"},
		NotBefore:   now.Add(-time.Hour), // for browsers whose clock is late
		NotAfter:    now.Add(ownLifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true, // and not an authority: it can vouch for nothing but itself
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return template
}

// writeWhole replaces the file as a whole, so that nobody reads half of it.
func writeWhole(name string, content []byte, mode fs.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".tls-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
