package secret

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// MaxPasswordBytes is the longest password that bcrypt reads completely.
const MaxPasswordBytes = 72

// ErrTooLong refuses a password of more than MaxPasswordBytes, whose end bcrypt would ignore.
var ErrTooLong = errors.New("password is longer than 72 bytes")

// HashPassword returns the bcrypt hash of password at cost 12, which takes
// about a quarter of a second. ErrTooLong over 72 bytes.
func HashPassword(password string) (string, error) { return passwords.hash(password) }

// HashPasswordAt is HashPassword at another cost, for a hash that is checked too often
// for cost 12.
func HashPasswordAt(cost int, password string) (string, error) { return hasher{cost}.hash(password) }

// VerifyPassword reports whether hash was made of password. For an empty hash (no such
// account), a malformed hash and a too long password, it does the same work and returns
// false.
func VerifyPassword(hash, password string) bool { return passwords.verify(hash, password) }

// passwords is the only hasher outside of tests.
var passwords = hasher{cost: 12}

// hasher is bcrypt at one cost.
type hasher struct{ cost int }

func (h hasher) hash(password string) (string, error) {
	if len(password) > MaxPasswordBytes {
		return "", ErrTooLong
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), h.cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}

func (h hasher) verify(hash, password string) bool {
	candidate, verifiable := []byte(hash), true
	if cost, err := bcrypt.Cost(candidate); err != nil || cost < h.cost {
		candidate, verifiable = h.dummy(), false
	}
	if len(password) > MaxPasswordBytes {
		password, verifiable = password[:MaxPasswordBytes], false
	}
	matches := bcrypt.CompareHashAndPassword(candidate, []byte(password)) == nil
	return matches && verifiable
}

// dummy is a well-formed hash without a known password; verifying against it costs as
// much as against a real hash.
func (h hasher) dummy() []byte {
	return fmt.Appendf(nil, "$2a$%02d$%s", h.cost, strings.Repeat(".", 53))
}

// The letters and digits of one-time passwords and recovery codes: no 0, 1, I or O, which
// people confuse. There are 32, so each is equally likely.
const oneTimeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// NewOneTimePassword returns a password such as 7KQ2-M9XA-P4RT: 60 random bits.
func NewOneTimePassword() string { return inGroups(randomText(12), "-") }

// NewAccessPassword returns a password for a user of an app: 80 random bits in
// groups of four.
func NewAccessPassword() string { return inGroups(randomText(16), "-") }

// randomText returns characters of the alphabet, 5 random bits each.
func randomText(characters int) string {
	random := make([]byte, characters)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	for i := range random {
		random[i] = oneTimeAlphabet[int(random[i])%len(oneTimeAlphabet)]
	}
	return string(random)
}
