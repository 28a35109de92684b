package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// TokenPrefix begins every token, so that scanners for leaked secrets can recognise it.
const TokenPrefix = "berth_"

// NewToken returns a token of 256 random bits and its hash, the only form to store.
func NewToken() (plain, hash string) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	plain = TokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return plain, HashToken(plain)
}

// HashToken returns the SHA-256 of plain in hex. One round is enough, because plain is
// random and not chosen by a person. A look-up by the hash leaks nothing through its
// duration.
func HashToken(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}
