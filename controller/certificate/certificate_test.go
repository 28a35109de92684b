package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"berth/controller/problem"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// made is a certificate with its key.
type made struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func (m made) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.certificate.Raw}))
}

func (m made) keyPEM(t testing.TB) string {
	t.Helper()
	text, err := x509.MarshalPKCS8PrivateKey(m.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}

var serial int64

// issue makes a certificate by another, or by itself.
func issue(t testing.TB, by *made, key crypto.Signer, change func(*x509.Certificate)) made {
	t.Helper()
	serial++
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	change(wanted)
	parent, signer := wanted, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made{certificate, key}
}

func p256(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// family is a root, an intermediate and a leaf.
type family struct {
	root, middle made
	leaf         made
	options      Options
}

func newFamily(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) family {
	t.Helper()
	authority := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject, c.IsCA, c.KeyUsage = pkix.Name{CommonName: name}, true, x509.KeyUsageCertSign
		}
	}
	root := issue(t, nil, p256(t), authority("Root of the test"))
	middle := issue(t, &root, p256(t), authority("Middle of the test"))
	leaf := issue(t, &middle, key, func(c *x509.Certificate) {
		c.DNSNames, c.IssuingCertificateURL = []string{"app.example.com"}, []string{"http://ca.test/middle"}
		if change != nil {
			change(c)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(root.certificate)
	return family{root, middle, leaf, Options{Host: "app.example.com", Now: now, Roots: roots}}
}

func TestParse_TakesAChainInAnyOrderAndKeepsItInTheRightOne(t *testing.T) {
	f := newFamily(t, p256(t), nil)
	pair, err := Parse([]byte(f.root.pem()+f.middle.pem()+"a remark\n"+f.leaf.pem()), []byte(f.leaf.keyPEM(t)), f.options)
	if err != nil {
		t.Fatal(err)
	}
	if want := f.leaf.pem() + f.middle.pem(); string(pair.Chain) != want || !pair.Trusted {
		t.Errorf("trusted %t, chain\n%s", pair.Trusted, pair.Chain)
	}
}

func TestParse_TakesEveryGoodKindOfKeyAndOneFileWithBoth(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{rsaKey, p384, edwards} {
		f := newFamily(t, key, nil)
		if _, err := Parse([]byte(f.leaf.pem()+f.middle.pem()+f.leaf.keyPEM(t)), nil, f.options); err != nil {
			t.Errorf("%T: %v", key, err)
		}
	}
	for kind, block := range map[string]*pem.Block{
		"PKCS #1": {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)},
		"SEC 1":   {Type: "EC PRIVATE KEY", Bytes: func() []byte { text, _ := x509.MarshalECPrivateKey(p384); return text }()},
	} {
		var key crypto.Signer = rsaKey
		if kind == "SEC 1" {
			key = p384
		}
		f := newFamily(t, key, nil)
		if _, err := Parse([]byte(f.leaf.pem()+f.middle.pem()), pem.EncodeToMemory(block), f.options); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestParse_SaysInWordsWhatIsWrong(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys")
	}
	good := newFamily(t, p256(t), nil)
	other := newFamily(t, p256(t), nil)
	leafWith := func(change func(*x509.Certificate)) family { return newFamily(t, p256(t), change) }
	encryptedKey := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
	oldEncrypted := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n"
	for _, c := range []struct {
		name, field, want string
		f                 family
		chain, key        string
	}{
		{name: "nothing", field: FieldChain, want: "There is no certificate.", f: good, key: good.leaf.keyPEM(t)},
		{name: "no key", field: FieldKey, want: "There is no key.", f: good, chain: good.leaf.pem()},
		{name: "text", field: FieldChain, want: "no certificate in PEM", f: good, chain: "hello", key: good.leaf.keyPEM(t)},
		{name: "another key", field: FieldKey, want: "does not belong", f: good, chain: good.leaf.pem() + good.middle.pem(), key: other.leaf.keyPEM(t)},
		{name: "a stranger in the chain", field: FieldChain, want: "not part of the chain", f: good, chain: good.leaf.pem() + other.middle.pem(), key: good.leaf.keyPEM(t)},
		{name: "no intermediate", field: FieldChain, want: "chain is not complete", f: good, chain: good.leaf.pem(), key: good.leaf.keyPEM(t)},
		{name: "encrypted", field: FieldKey, want: "encrypted", f: good, chain: good.leaf.pem(), key: encryptedKey},
		{name: "encrypted in the old way", field: FieldKey, want: "encrypted", f: good, chain: good.leaf.pem(), key: oldEncrypted},
		{name: "another host", field: FieldChain, want: "is for www.example.com", f: leafWith(func(c *x509.Certificate) { c.DNSNames = []string{"www.example.com"} })},
		{name: "a wildcard two labels up", field: FieldChain, want: "is for *.com", f: leafWith(func(c *x509.Certificate) { c.DNSNames = []string{"*.com"} })},
		{name: "common name only", field: FieldChain, want: "names no host", f: leafWith(func(c *x509.Certificate) {
			c.DNSNames, c.Subject = nil, pkix.Name{CommonName: "app.example.com"}
		})},
		{name: "over", field: FieldChain, want: "ended on 21 November 2026", f: leafWith(func(c *x509.Certificate) { c.NotAfter = now.Add(-24 * time.Hour) })},
		{name: "not yet", field: FieldChain, want: "begins on", f: leafWith(func(c *x509.Certificate) { c.NotBefore = now.Add(24 * time.Hour) })},
		{name: "for clients", field: FieldChain, want: "not for servers", f: leafWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })},
		{name: "1024 bits", field: FieldKey, want: "1024 bits", f: newFamily(t, weak, nil)},
		{name: "too large", field: FieldChain, want: "more than 64 KB", f: good, chain: strings.Repeat("x", MostBytes+1), key: good.leaf.keyPEM(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.chain == "" && c.key == "" {
				c.chain, c.key = c.f.leaf.pem()+c.f.middle.pem(), c.f.leaf.keyPEM(t)
			}
			_, err := Parse([]byte(c.chain), []byte(c.key), c.f.options)
			refusal, ok := errors.AsType[*problem.Problem](err)
			if !ok || refusal.Field != c.field || !strings.Contains(refusal.Message, c.want) || refusal.Hint == "" {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func TestParse_TakesAWildcardAndOneThatSignedItself(t *testing.T) {
	f := newFamily(t, p256(t), func(c *x509.Certificate) { c.DNSNames = []string{"*.example.com"} })
	if pair, err := Parse([]byte(f.leaf.pem()+f.middle.pem()), []byte(f.leaf.keyPEM(t)), f.options); err != nil || !pair.Trusted {
		t.Errorf("wildcard: %v", err)
	}
	alone := issue(t, nil, p256(t), func(c *x509.Certificate) { c.DNSNames = []string{"app.example.com"} })
	pair, err := Parse([]byte(alone.pem()), []byte(alone.keyPEM(t)), f.options)
	if err != nil || pair.Trusted {
		t.Errorf("signed by itself: trusted %t, %v", pair.Trusted, err)
	}
}

func FuzzParse_NeverPanicsNorTakesWhatItCannotRead(f *testing.F) {
	made := newFamily(f, p256(f), nil)
	f.Add([]byte(made.leaf.pem()+made.middle.pem()), []byte(made.leaf.keyPEM(f)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"), []byte("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, chain, key []byte) {
		pair, err := Parse(chain, key, made.options)
		if refusal, ok := errors.AsType[*problem.Problem](err); ok && (refusal.Message == "" || refusal.Hint == "" || bytes.Contains([]byte(refusal.Message), []byte("PRIVATE"))) {
			t.Errorf("%+v", refusal)
		}
		if err == nil && pair.Leaf.VerifyHostname("app.example.com") != nil {
			t.Error("taken for another host")
		}
	})
}
