package traefik

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// SelfSign makes a key and the certificate for it that the template describes, signed
// by that key. Both are PEM; the serial number is random where the template has none.
func SelfSign(template *x509.Certificate) (chain, key []byte, err error) {
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, made.Public(), made)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate: %w", err)
	}
	chain = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}
