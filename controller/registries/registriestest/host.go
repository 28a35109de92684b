// Package registriestest is a registry of images for tests, with one image and two ways to sign in.
package registriestest

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"berth/controller/plan"
	"berth/controller/registries"
	"berth/controller/secret"
)

// The ways in which a registry asks for a login.
const (
	Bearer = "Bearer" // as ghcr.io and Docker Hub do: a token of an address of its own
	Basic  = "Basic"  // as a plain registry behind a password file does
	Open   = ""       // not at all
)

// The login that a Host takes.
const (
	User     = "ann"
	Password = "canary-of-the-registry"
)

// Host is a registry as the distribution specification describes it, with the image ann/shop:2.
type Host struct {
	web *httptest.Server

	mu      sync.Mutex
	way     string
	private bool // without a login it shows nothing
	digest  string
	status  int
	asked   []string
}

// New returns a registry that everybody may read, with a token. It ends with the test.
func New(t testing.TB) *Host {
	t.Helper()
	h := &Host{way: Bearer, digest: Digest("a")}
	h.web = httptest.NewTLSServer(h)
	t.Cleanup(h.web.Close)
	return h
}

// ServeHTTP answers as a registry.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r.Method+" "+r.URL.RequestURI())
	if r.URL.Path == "/token" {
		h.giveToken(w, r)
		return
	}
	if h.way != Open && !h.lets(r) {
		w.Header().Set("WWW-Authenticate", h.way+` realm="`+h.web.URL+`/token",service="the registry",scope="repository:ann/shop:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case h.status != 0:
		w.WriteHeader(h.status)
	case r.URL.Path == "/v2/":
	case r.Method != http.MethodHead || r.URL.Path != "/v2/ann/shop/manifests/2" || !strings.Contains(strings.Join(r.Header["Accept"], ","), "application/vnd.oci.image.index.v1+json"):
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Docker-Content-Digest", h.digest)
	}
}

func (h *Host) giveToken(w http.ResponseWriter, r *http.Request) {
	user, password, given := r.BasicAuth()
	switch {
	case given && (user != User || password != Password), !given && h.private:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"token": h.token()})
	}
}

func (h *Host) token() string { return fmt.Sprintf("token-%t", h.private) }

func (h *Host) lets(r *http.Request) bool {
	if h.way == Bearer {
		return r.Header.Get("Authorization") == "Bearer "+h.token()
	}
	user, password, given := r.BasicAuth()
	return given && user == User && password == Password
}

// Asks makes the registry ask for a login in that way. A private one shows nothing without.
func (h *Host) Asks(way string, private bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.way, h.private = way, private
}

// Set changes what the tag means; another status than 0 is answered instead.
func (h *Host) Set(digest string, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.digest, h.status = digest, status
}

// Now is what the tag means.
func (h *Host) Now() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.digest
}

// Asked is all that it was asked.
func (h *Host) Asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// Close takes it off the network.
func (h *Host) Close() { h.web.Close() }

// Name is its host and port.
func (h *Host) Name() string { return h.web.Listener.Addr().String() }

// Image is the one that it has.
func (h *Host) Image() plan.ImageReference { return plan.ImageReference(h.Name() + "/ann/shop:2") }

// Registries ask it, as the operator would allow it.
func (h *Host) Registries(t testing.TB, ledger registries.Ledger) registries.Registries {
	t.Helper()
	key, err := secret.DeriveKey("a key of the tests of registries")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(h.web.Certificate())
	dial := func(bool) registries.Dial { return new(net.Dialer).DialContext }
	return registries.Registries{Ledger: ledger, Key: key, Allowed: []string{h.Name()}, Dial: dial, Roots: roots}
}

// SignsIn saves the login that it takes.
func (h *Host) SignsIn(ctx context.Context, r registries.Registries) error {
	_, err := r.Save(ctx, registries.Wish{Host: h.Name(), User: User, Password: Password})
	return err
}

// Digest is one of the letter alone.
func Digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }
