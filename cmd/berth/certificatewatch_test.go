package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// aPair writes a certificate of the key that ends then, and its key.
func aPair(t *testing.T, config Config, key crypto.Signer, ends time.Time) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		writeWhole(config.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600),
		writeWhole(config.CertificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

func aKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// configuredPair is a configuration with a pair of its own, which holds for a day.
func configuredPair(t *testing.T) Config {
	t.Helper()
	folder := t.TempDir()
	config := Config{DataFolder: t.TempDir(), CertificateFile: filepath.Join(folder, "c.pem"), KeyFile: filepath.Join(folder, "k.pem")}
	aPair(t, config, aKey(t, elliptic.P256()), time.Now().Add(24*time.Hour))
	return config
}

func TestCertificate_PairThatHasEndedOrIsWeakStopsTheStart(t *testing.T) {
	t.Parallel()
	weakRSA, err := weakRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	for reason, spoil := range map[string]func(Config){
		"it ended on":             func(c Config) { aPair(t, c, aKey(t, elliptic.P256()), time.Now().Add(-time.Minute)) },
		"P-224, it needs P-256":   func(c Config) { aPair(t, c, aKey(t, elliptic.P224()), tomorrow) },
		"has 1024 bits, it needs": func(c Config) { aPair(t, c, weakRSA, tomorrow) },
		"does not match": func(c Config) {
			if err := copyOtherKey(c.KeyFile); err != nil {
				t.Fatal(err)
			}
		},
		"no such file": func(c Config) { _ = os.Remove(c.KeyFile) },
		"":             func(c Config) { aPair(t, c, edwards, tomorrow) },
	} {
		config := configuredPair(t)
		spoil(config)
		_, err := openCertificates(config, slog.New(slog.DiscardHandler))
		if reason == "" && err != nil {
			t.Errorf("Ed25519: %v", err)
		}
		if reason != "" && (exitCode(err) != exitUsage || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), config.CertificateFile)) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// weakRSAKey is a key of 1024 bits, which the standard library makes no more.
func weakRSAKey() (*rsa.PrivateKey, error) {
	for {
		p, err := rand.Prime(rand.Reader, 512)
		if err != nil {
			return nil, err
		}
		q, err := rand.Prime(rand.Reader, 512)
		if err != nil {
			return nil, err
		}
		one, e := big.NewInt(1), big.NewInt(65537)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		n := new(big.Int).Mul(p, q)
		if d != nil && n.BitLen() == 1024 {
			key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
			key.Precompute()
			return key, nil
		}
	}
}

func TestCertificates_ReplacedPairIsServedWithoutAStart(t *testing.T) {
	t.Parallel()
	f := openFrontDoor(t, short(), configuredPair(t), says("ok"))
	first := f.served()
	aPair(t, f.config, aKey(t, elliptic.P384()), time.Now().Add(72*time.Hour))
	for end := time.Now().Add(clientPatience); f.served().Equal(first); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the old one is still served")
		}
	}
}

// served is the certificate that a new connection is shown.
func (f *frontDoor) served() *x509.Certificate {
	f.t.Helper()
	connection := tls.Client(f.dial(), &tls.Config{InsecureSkipVerify: true})
	if err := connection.Handshake(); err != nil {
		f.t.Fatal(err)
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0]
}

func TestCertificates_BadNewPairIsLoggedAndTheOldOneKept(t *testing.T) {
	t.Parallel()
	config := configuredPair(t)
	var log lockedBuffer
	certificates, err := openCertificates(config, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	first := certificates.Leaf()
	for name, spoil := range map[string]func() error{
		"half a file": func() error { return os.Truncate(config.CertificateFile, 30) },
		"another key": func() error { return copyOtherKey(config.KeyFile) },
		"gone":        func() error { return os.Remove(config.CertificateFile) },
		"ended": func() error {
			aPair(t, config, aKey(t, elliptic.P256()), time.Now().Add(-time.Hour))
			return nil
		},
	} {
		if err := spoil(); err != nil && name != "half a file" {
			t.Fatal(err)
		}
		before := strings.Count(log.String(), "the old one is kept")
		certificates.look(t.Context())
		certificates.look(t.Context())
		if !certificates.Leaf().Equal(first) {
			t.Errorf("%s: it is served", name)
		}
		if said := strings.Count(log.String(), "the old one is kept") - before; said != 1 {
			t.Errorf("%s: said %d times", name, said)
		}
		aPair(t, config, aKey(t, elliptic.P256()), time.Now().Add(24*time.Hour))
		certificates.look(t.Context())
		if certificates.Leaf().Equal(first) {
			t.Errorf("after %s, a good one is not served", name)
		}
		first = certificates.Leaf()
	}
}

func TestCertificates_OwnOneIsRenewedBeforeItEndsWhileRunning(t *testing.T) {
	t.Parallel()
	config := Config{DataFolder: t.TempDir()}
	certificates, err := openCertificates(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := certificates.Leaf()
	certificates.look(t.Context())
	if !certificates.Leaf().Equal(first) {
		t.Error("made anew without need")
	}
	old := config
	old.CertificateFile, old.KeyFile = config.certificateFiles()
	aPair(t, old, aKey(t, elliptic.P256()), time.Now().Add(ownRenewal-time.Hour)) // two years later, so to speak
	certificates.look(t.Context())
	if left := time.Until(certificates.Leaf().NotAfter); left < ownLifetime-time.Hour {
		t.Errorf("it holds for %s", left)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := certificates.Leaf().VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	expectMode(t, old.KeyFile, 0o600)
}
