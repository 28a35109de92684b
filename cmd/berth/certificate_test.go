package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"berth/traefik"
)

func TestCertificate_FirstStartMakesOneForThisMachine(t *testing.T) {
	t.Parallel()
	config := Config{DataFolder: t.TempDir(), AdminHosts: []traefik.Host{"berth.example.com"}}
	certificate := openTestCertificate(t, config)
	key, ok := certificate.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("key: %T", certificate.PrivateKey)
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", hostname, "berth.example.com"} {
		if err := certificate.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if certificate.Leaf.IsCA {
		t.Error("the certificate could vouch for other sites in a browser that trusts it")
	}
	certificateFile, keyFile := config.certificateFiles()
	expectMode(t, certificateFile, 0o644)
	expectMode(t, keyFile, 0o600)
	expectMode(t, filepath.Dir(keyFile), 0o700|os.ModeDir)
}

func TestCertificate_LaterStartsKeepIt(t *testing.T) {
	t.Parallel()
	config := Config{DataFolder: t.TempDir()}
	if first, second := openTestCertificate(t, config), openTestCertificate(t, config); !sameCertificate(first, second) {
		t.Error("the browser would have to ask again")
	}
}

func TestCertificate_IsMadeAnewWhereItCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(config *Config, certificateFile, keyFile string) error{
		"the key was open to others": func(_ *Config, _, keyFile string) error { return os.Chmod(keyFile, 0o644) },
		"the key is gone":            func(_ *Config, _, keyFile string) error { return os.Remove(keyFile) },
		"half a certificate":         func(_ *Config, certificateFile, _ string) error { return os.Truncate(certificateFile, 20) },
		"a key of another":           func(_ *Config, _, keyFile string) error { return copyOtherKey(keyFile) },
		"a new host name": func(config *Config, _, _ string) error {
			config.AdminHosts = []traefik.Host{"berth.example.com"}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{DataFolder: t.TempDir()}
			first := openTestCertificate(t, config)
			certificateFile, keyFile := config.certificateFiles()
			if err := spoil(&config, certificateFile, keyFile); err != nil {
				t.Fatal(err)
			}
			if second := openTestCertificate(t, config); sameCertificate(first, second) {
				t.Error("the old one was kept")
			}
			expectMode(t, keyFile, 0o600)
		})
	}
}

func TestCertificate_ConfiguredPairIsUsedAndMustMatch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := Config{DataFolder: t.TempDir(), CertificateFile: filepath.Join(folder, "c.pem"), KeyFile: filepath.Join(folder, "k.pem")}
	if err := createCertificate(config.CertificateFile, config.KeyFile, []string{"berth.example.com"}); err != nil {
		t.Fatal(err)
	}
	certificate := openTestCertificate(t, config)
	if err := certificate.Leaf.VerifyHostname("berth.example.com"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(config.DataFolder, "tls")); err == nil {
		t.Error("made one of its own beside it")
	}
	if err := copyOtherKey(config.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := openCertificate(config, slog.New(slog.DiscardHandler)); exitCode(err) != exitUsage {
		t.Errorf("a key of another certificate: %v", err)
	}
}

func TestPinned_TrustsThatCertificateAloneAlsoAfterItsTime(t *testing.T) {
	t.Parallel()
	mine := openTestCertificate(t, Config{DataFolder: t.TempDir()})
	other := openTestCertificate(t, Config{DataFolder: t.TempDir()})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{mine}}
	server.StartTLS()
	defer server.Close()
	ask := func(leaf *x509.Certificate) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(leaf), DisableKeepAlives: true}}
		response, err := client.Get(server.URL)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := ask(mine.Leaf); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := ask(other.Leaf); err == nil {
		t.Error("another server was trusted")
	}
}

func openTestCertificate(t *testing.T, config Config) tls.Certificate {
	t.Helper()
	certificate, err := openCertificate(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func sameCertificate(a, b tls.Certificate) bool {
	return bytes.Equal(a.Certificate[0], b.Certificate[0])
}

// copyOtherKey overwrites the key with one that belongs to another certificate.
func copyOtherKey(keyFile string) error {
	return createCertificate(filepath.Join(filepath.Dir(keyFile), "other.crt"), keyFile, []string{"other"})
}

func expectMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want {
		t.Errorf("%s has mode %v, want %v", filepath.Base(path), info.Mode(), want)
	}
}
