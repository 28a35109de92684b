//go:build integration

package channel

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

const mailUser = "berth"

// certificateFor writes a certificate of its own for localhost, and makes this process trust it.
func certificateFor(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	coded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: made}, key: {Type: "EC PRIVATE KEY", Bytes: coded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSL_CERT_FILE", certificate) // before anything is verified in this process
	return certificate, key
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestEmail_ArrivesOverSTARTTLSWithAPassword(t *testing.T) {
	program, err := filepath.Abs("../../../.cache/bin/mailpit")
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := certificateFor(t)
	smtp, page := freeAddress(t), freeAddress(t)
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, []byte(mailUser+":"+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--smtp", smtp, "--listen", page, "--database", filepath.Join(t.TempDir(), "mail.db"),
		"--smtp-tls-cert", certificate, "--smtp-tls-key", key, "--smtp-require-starttls", "--smtp-auth-file", passwords, "--disable-version-check")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatalf("start the mail server (scripts/mail-tools builds it): %v", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	_, port, _ := strings.Cut(smtp, ":")
	settings := Settings{Kind: Email, Address: "localhost:" + port, From: "berth@example.com", To: "ann@example.com, bob@example.com", User: mailUser, TLS: StartTLS}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, smtp)
	}
	deadline := time.Now().Add(patience.Of(20 * time.Second))
	for err = Open(settings, canary, dial).Send(t.Context(), hostile()); err != nil && time.Now().Before(deadline); err = Open(settings, canary, dial).Send(t.Context(), hostile()) {
		time.Sleep(200 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	checkArrived(t, page)
	if err := Open(settings, "wrong-"+canary, dial).Send(t.Context(), hostile()); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a wrong password: %v", err)
	}
	settings.TLS = NoTLS
	settings.User = ""
	if err := Open(settings, "", dial).Send(t.Context(), hostile()); err == nil {
		t.Error("the server took a message in plain text")
	}
}

// checkArrived asks the mail server for the one message that it has.
func checkArrived(t *testing.T, page string) {
	t.Helper()
	response, err := http.Get("http://" + page + "/api/v1/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var found struct {
		Messages []struct {
			Subject   string
			MessageID string
			To        []struct{ Address string }
		} `json:"messages"`
	}
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil || len(found.Messages) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if m := found.Messages[0]; !strings.HasPrefix(m.Subject, "Berth: Down: <b>@everyone") || m.MessageID != "id-1@berth" || len(m.To) != 2 {
		t.Errorf("%+v", m)
	}
}
