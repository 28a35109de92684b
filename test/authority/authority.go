// Package authority runs a certificate authority and the DNS that it asks, on this machine, for tests.
package authority

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"berth/test/claim"
	"berth/test/patience"
)

// Options say where the authority listens and whom it asks.
type Options struct {
	Address string // of this machine, as the proxy reaches it; all listens there
	Target  string // where every name leads: the proxy's address
	HTTP    int    // port of Target for HTTP-01
	TLS     int    // port of Target for TLS-ALPN-01
	Holds   time.Duration
}

// Authority is a running one.
type Authority struct {
	Directory string // URL
	Trust     []byte // PEM, whom to trust to be Directory
	DNS       string // host:port
	DNSAPI    string // URL where the provider httpreq makes records

	address    string
	management string // of the authority
	names      string // management of the DNS
	log        *safeBuffer
}

// Start runs the authority until the test ends.
func Start(t testing.TB, o Options) *Authority {
	t.Helper()
	folder := t.TempDir()
	a := &Authority{address: o.Address, log: new(safeBuffer)}
	ports, err := claim.Ports(o.Address, 4)
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int) string { return net.JoinHostPort(o.Address, ports[i]) }
	a.Directory, a.management = "https://"+at(0)+"/dir", "https://"+at(1)
	a.DNS, a.names = at(2), "http://"+at(3)
	a.Trust = makePair(t, folder, o.Address)
	a.run(t, "pebble-challtestsrv", "-defaultIPv4", o.Target, "-defaultIPv6", "", "-dnsserver", a.DNS,
		"-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", at(3))
	if o.Holds == 0 {
		o.Holds = 90 * 24 * time.Hour
	}
	config := filepath.Join(folder, "pebble.json")
	writeJSON(t, config, map[string]any{"pebble": map[string]any{
		"listenAddress": at(0), "managementListenAddress": at(1), "ocspResponderURL": "",
		"certificate": filepath.Join(folder, "server.pem"), "privateKey": filepath.Join(folder, "server.pem"),
		"httpPort": o.HTTP, "tlsPort": o.TLS, "keyAlgorithm": "ecdsa", "externalAccountBindingRequired": false,
		"domainBlocklist": []string{"blocked.example"}, "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": int(o.Holds.Seconds())}},
	}})
	a.run(t, "pebble", "-config", config, "-dnsserver", a.DNS)
	a.serveProvider(t)
	a.wait(t)
	return a
}

// Roots are those that the authority signs under.
func (a *Authority) Roots(t testing.TB) *x509.CertPool {
	t.Helper()
	pool, text := x509.NewCertPool(), a.RootsPEM(t)
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("the authority's root cannot be read: %.200s", text)
	}
	return pool
}

// RootsPEM is Roots as text.
func (a *Authority) RootsPEM(t testing.TB) []byte {
	t.Helper()
	response, err := a.client().Get(a.management + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Log is what authority and DNS have printed.
func (a *Authority) Log() string { return a.log.String() }

// Break lets every question about the host fail.
func (a *Authority) Break(t testing.TB, host string) {
	t.Helper()
	a.tell(t, "/set-servfail", map[string]string{"host": host + "."})
}

// Point leads the host to another address.
func (a *Authority) Point(t testing.TB, host, address string) {
	t.Helper()
	a.tell(t, "/add-a", map[string]any{"host": host + ".", "addresses": []string{address}})
}

func (a *Authority) tell(t testing.TB, path string, what any) {
	t.Helper()
	body, _ := json.Marshal(what)
	response, err := http.Post(a.names+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d", path, response.StatusCode)
	}
}

// serveProvider is what a DNS provider's API is to the proxy.
func (a *Authority) serveProvider(t testing.TB) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(a.address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var record struct{ FQDN, Value string }
		if name, password, _ := r.BasicAuth(); name != "dns-user" || password != "dns-password" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&record); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		switch r.URL.Path {
		case "/present":
			a.tell(t, "/set-txt", map[string]string{"host": record.FQDN, "value": record.Value})
		case "/cleanup":
			a.tell(t, "/clear-txt", map[string]string{"host": record.FQDN})
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	a.DNSAPI = "http://" + listener.Addr().String()
}

func (a *Authority) client() *http.Client {
	return &http.Client{Timeout: patience.Of(5 * time.Second), Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the server of this test
		DisableKeepAlives: true,
	}}
}

func (a *Authority) wait(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(patience.Of(20 * time.Second)); ; time.Sleep(50 * time.Millisecond) {
		response, err := a.client().Get(a.Directory)
		if err == nil {
			_ = response.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the authority does not answer: %v\n%s", err, a.Log())
		}
	}
}

// run starts a program of the cache, and ends it by its id with the test.
func (a *Authority) run(t testing.TB, name string, arguments ...string) {
	t.Helper()
	repository := findRepository(t)
	program := filepath.Join(repository, ".cache", "bin", name)
	if _, err := os.Stat(program); err != nil {
		if out, err := exec.Command(filepath.Join(repository, "scripts", "acme-tools")).CombinedOutput(); err != nil {
			t.Fatalf("scripts/acme-tools: %v\n%s", err, out)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
	command.Stdout, command.Stderr = a.log, a.log
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = command.Wait() })
}

// makePair writes the certificate of the authority's server, signed by itself.
func makePair(t testing.TB, folder, address string) (certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority's server"},
		IPAddresses: []net.IP{net.ParseIP(address)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, wanted, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	both := append(bytes.Clone(certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	if err := os.WriteFile(filepath.Join(folder, "server.pem"), both, 0o600); err != nil {
		t.Fatal(err)
	}
	return certificate
}

// SelfSigned makes a certificate and its key for a host, which nobody stands behind.
func SelfSigned(t testing.TB, host string) (chain, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "own of the test"}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, wanted, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func writeJSON(t testing.TB, file string, what any) {
	t.Helper()
	text, err := json.Marshal(what)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func findRepository(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "docker-compose.yml")); err == nil {
			return folder
		}
	}
	t.Fatal("run from inside the checkout")
	return ""
}

// safeBuffer is a buffer that two programs write to.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all of it.
func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var _ fmt.Stringer = (*safeBuffer)(nil)
