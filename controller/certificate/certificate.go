// Package certificate checks the certificates and keys that people bring, and says in words what is wrong with one.
package certificate

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/problem"
)

// MostBytes is the most that a chain, or a key, may have as text.
const MostBytes = 64 << 10

// mostCertificates is more than any authority sends along.
const mostCertificates = 10

// The fields that the Problem of a pair names.
const (
	FieldChain = "chain"
	FieldKey   = "key"
)

// Pair is a certificate with its chain and its key, checked: they belong
// together, cover the host, hold now and are strong enough.
type Pair struct {
	Chain   []byte // PEM, the certificate first, each followed by its issuer, without the root
	Key     []byte // PEM, PKCS #8
	Leaf    *x509.Certificate
	Trusted bool // the system's authorities stand behind it, as browsers will see it
}

// Options say what a pair is for.
type Options struct {
	Host  string // that it must cover
	Now   time.Time
	Roots *x509.CertPool // the authorities that browsers know; nil means the system's
}

// Parse reads a pair from PEM text. The certificates may stand in any order. What
// is not good is a Problem of problem.KindInvalid, which never holds a part of the key.
func Parse(chain, key []byte, o Options) (Pair, error) {
	if len(bytes.TrimSpace(key)) == 0 {
		key = keyIn(chain) // one file with both, as many tools make it
	}
	certificates, err := parseChain(chain)
	if err != nil {
		return Pair{}, err
	}
	private, err := parseKey(key)
	if err != nil {
		return Pair{}, err
	}
	ordered, err := order(certificates, private)
	if err != nil {
		return Pair{}, err
	}
	if err := checkLeaf(ordered[0], o); err != nil {
		return Pair{}, err
	}
	if err := checkStrength(ordered); err != nil {
		return Pair{}, err
	}
	trusted, err := checkTrust(ordered, o)
	if err != nil {
		return Pair{}, err
	}
	keyText, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Pair{}, fmt.Errorf("encode key: %w", err)
	}
	return Pair{
		Chain: encode(ordered), Leaf: ordered[0], Trusted: trusted,
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyText}),
	}, nil
}

// keyIn is the first key among other blocks; nil where there is none.
func keyIn(text []byte) []byte {
	if len(text) > MostBytes {
		return nil
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return pem.EncodeToMemory(block)
		}
	}
	return nil
}

func parseChain(text []byte) ([]*x509.Certificate, error) {
	refuse := func(reason, hint string) ([]*x509.Certificate, error) {
		return nil, problem.Invalid(reason, hint).At(FieldChain)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return refuse("There is no certificate.", "Paste the PEM text, which begins with -----BEGIN CERTIFICATE-----, or choose its file.")
	}
	if len(text) > MostBytes {
		return refuse(fmt.Sprintf("The certificate has more than %d KB.", MostBytes>>10), "Send the certificate and its intermediates only.")
	}
	var certificates []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue // the key, or a remark of some tool
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return refuse(fmt.Sprintf("Certificate %d of the text is damaged.", len(certificates)+1), "Copy the whole text again, with its BEGIN and END lines.")
		}
		if !slices.ContainsFunc(certificates, certificate.Equal) {
			certificates = append(certificates, certificate)
		}
		if len(certificates) > mostCertificates {
			return refuse(fmt.Sprintf("There are more than %d certificates.", mostCertificates), "Send the certificate and its intermediates only.")
		}
	}
	if len(certificates) == 0 {
		return refuse("The text holds no certificate in PEM.", "It begins with -----BEGIN CERTIFICATE-----. Make it of a .der or .p7b file with openssl x509 -inform der or openssl pkcs7 -print_certs.")
	}
	return certificates, nil
}

// order puts the key's certificate first and each issuer behind what it issued.
// Roots are left off: who checks has them, or does not believe them.
func order(certificates []*x509.Certificate, key crypto.Signer) ([]*x509.Certificate, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("key of type %T", key)
	}
	first := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if first < 0 {
		return nil, problem.Invalid(
			"The key does not belong to the certificate.",
			"Send the key that the certificate was requested with.",
		).At(FieldKey)
	}
	ordered := []*x509.Certificate{certificates[first]}
	left := slices.Delete(slices.Clone(certificates), first, first+1)
	for len(left) > 0 {
		last := ordered[len(ordered)-1]
		next := slices.IndexFunc(left, func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if next < 0 || selfSigned(last) {
			return nil, problem.Invalid(
				fmt.Sprintf("The certificate of %q is not part of the chain.", nameOf(left[0])),
				"Send the certificate and the intermediates between it and the authority's root, and nothing else.",
			).At(FieldChain)
		}
		ordered = append(ordered, left[next])
		left = slices.Delete(left, next, next+1)
	}
	if last := len(ordered) - 1; last > 0 && selfSigned(ordered[last]) {
		ordered = ordered[:last]
	}
	return ordered, nil
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

func nameOf(c *x509.Certificate) string {
	name := c.Subject.CommonName
	if name == "" && len(c.DNSNames) > 0 {
		name = c.DNSNames[0]
	}
	if len(name) > 100 {
		name = name[:100]
	}
	return strings.ToValidUTF8(name, "?")
}

func encode(chain []*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, certificate := range chain {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}) // into memory
	}
	return text.Bytes()
}
