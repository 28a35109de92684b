package certificate

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"berth/controller/problem"
)

// parseKey takes PKCS #8, PKCS #1 and SEC 1.
func parseKey(text []byte) (crypto.Signer, error) {
	refuse := func(reason, hint string) (crypto.Signer, error) {
		return nil, problem.Invalid(reason, hint).At(FieldKey)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return refuse("There is no key.", "Paste the PEM text of the certificate's private key, or choose its file.")
	}
	if len(text) > MostBytes {
		return refuse(fmt.Sprintf("The key has more than %d KB.", MostBytes>>10), "Send the key alone.")
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "ENCRYPTED PRIVATE KEY":
			return refuse(encrypted, decrypt)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return refuse(encrypted, decrypt)
			}
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return refuse(encrypted, decrypt)
			}
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue // such as EC PARAMETERS
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return refuse("The key is damaged, or of a kind that servers do not use.", "Copy the whole text again, with its BEGIN and END lines.")
		}
		if weakness := weakKey(signer.Public()); weakness != "" {
			return refuse("This is "+weakness+".", "Use RSA of 2048 bits or more, P-256, P-384 or Ed25519.")
		}
		return signer, nil
	}
	return refuse("The text holds no private key in PEM.", "It begins with -----BEGIN PRIVATE KEY-----, or with RSA or EC in it.")
}

const (
	encrypted = "The key is encrypted, and Berth has no password for it."
	decrypt   = "Decrypt it first: openssl pkey -in key.pem -out plain.pem. Berth seals it again with its own key."
)
