//go:build linux && cgo

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	certificateInterval = 5 * time.Second // how soon a replaced pair is served
	leastRSABits        = 2048
	leastCurveBits      = 256
)

// adminCertificates serves the certificate of the admin app and follows its files: a
// configured pair that was replaced, or Berth's own when it comes to its end. It
// always has one: what cannot be used is logged and the present one is kept.
type adminCertificates struct {
	config   Config
	logger   *slog.Logger
	interval time.Duration
	present  atomic.Pointer[tls.Certificate]
	seen     [sha256.Size]byte // of both files, as they were last looked at
}

// openCertificates opens the certificate that the server begins with.
func openCertificates(config Config, logger *slog.Logger) (*adminCertificates, error) {
	c := &adminCertificates{config: config, logger: logger, interval: certificateInterval}
	certificate, err := openCertificate(config, logger)
	if err != nil {
		return nil, err
	}
	c.present.Store(&certificate)
	c.seen = c.fingerprint()
	return c, nil
}

// Leaf is the certificate that is served now.
func (c *adminCertificates) Leaf() *x509.Certificate { return c.present.Load().Leaf }

// Run follows the files until ctx ends.
func (c *adminCertificates) Run(ctx context.Context) error {
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.look(ctx)
		}
	}
}

// choose is tls.Config.GetCertificate.
func (c *adminCertificates) choose(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.present.Load(), nil
}

// look takes what has changed since the last look.
func (c *adminCertificates) look(ctx context.Context) {
	now := c.fingerprint()
	ending := c.config.CertificateFile == "" && time.Until(c.Leaf().NotAfter) < ownRenewal
	if now == c.seen && !ending {
		return
	}
	fresh, err := openCertificate(c.config, c.logger)
	c.seen = c.fingerprint()
	if err != nil {
		// Half a pair is there while the two files are copied: the next change is looked at again.
		c.logger.WarnContext(ctx, "the new certificate cannot be used, the old one is kept", "error", err)
		return
	}
	if bytes.Equal(fresh.Certificate[0], c.present.Load().Certificate[0]) {
		return
	}
	c.present.Store(&fresh)
	c.logger.InfoContext(ctx, "serves a new certificate", "holds_until", fresh.Leaf.NotAfter)
}

// fingerprint is of what is in the files: they are small, and a time of change says
// little where files are copied or mounted. What cannot be read is empty.
func (c *adminCertificates) fingerprint() [sha256.Size]byte {
	certificateFile, keyFile := c.config.certificateFiles()
	hash := sha256.New()
	for _, name := range []string{certificateFile, keyFile} {
		content, err := os.ReadFile(name)
		_, _ = fmt.Fprintf(hash, "%d %t\n", len(content), err == nil)
		_, _ = hash.Write(content)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// checkLeaf refuses a certificate that browsers would, or that protects nobody.
func checkLeaf(leaf *x509.Certificate, now time.Time) error {
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("it ended on %s", leaf.NotAfter.Format(time.DateOnly))
	}
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return fmt.Errorf("it is signed with %s, which can be forged", leaf.SignatureAlgorithm)
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < leastRSABits {
			return fmt.Errorf("its RSA key has %d bits, it needs %d", key.N.BitLen(), leastRSABits)
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < leastCurveBits {
			return fmt.Errorf("its key is on %s, it needs P-256 or better", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return errors.New("its key is neither ECDSA nor Ed25519 nor RSA")
	}
	return nil
}
