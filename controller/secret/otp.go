package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

const (
	otpIssuer = "Berth"
	otpBytes  = 20 // 160 bits, the length of the HMAC's own output
	otpPeriod = 30 // seconds; every app knows only this setting, with SHA-1 and 6 digits
	otpSkew   = 1  // steps that a phone's clock may be early or late
	qrPixels  = 220
)

// ErrSharedKey refuses a text that is not a key of one-time codes.
var ErrSharedKey = errors.New("not a key of one-time codes")

// SharedKey is the key of one-time codes (TOTP, RFC 6238) that the server and a person's
// phone share.
type SharedKey struct{ key *otp.Key }

// NewSharedKey makes a key. The account is the name that the phone shows beside the code.
func NewSharedKey(account string) (SharedKey, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: otpIssuer, AccountName: account, SecretSize: otpBytes})
	if err != nil {
		return SharedKey{}, fmt.Errorf("make key of one-time codes: %w", err)
	}
	return SharedKey{key: key}, nil
}

// ParseSharedKey reads the result of URL.
func ParseSharedKey(url Text) (SharedKey, error) {
	key, err := otp.NewKeyFromURL(url.Reveal())
	if err != nil || key.Type() != "totp" || key.Secret() == "" {
		return SharedKey{}, ErrSharedKey
	}
	return SharedKey{key: key}, nil
}

// URL is the key as phones read it, otpauth://...
func (k SharedKey) URL() Text { return Text(k.key.URL()) }

// Text is the key as a person types it, in groups of four.
func (k SharedKey) Text() Text { return Text(inGroups(k.key.Secret(), " ")) }

// QR is the URL as a PNG that a phone's camera reads.
func (k SharedKey) QR() ([]byte, error) {
	image, err := k.key.Image(qrPixels, qrPixels)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, image); err != nil {
		return nil, fmt.Errorf("encode QR code: %w", err)
	}
	return buffer.Bytes(), nil
}

// MatchCode returns the time step of the code: the present step, or a step of a clock
// that is a little off. It never returns a step up to after, so a code works once. It
// returns false for any other code.
func (k SharedKey) MatchCode(code string, now time.Time, after int64) (step int64, ok bool) {
	present := now.Unix() / otpPeriod
	for step := present - otpSkew; step <= present+otpSkew; step++ {
		// The comparison takes constant time.
		valid, err := hotp.ValidateCustom(code, uint64(step), k.key.Secret(), hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && valid && step > after {
			return step, true
		}
	}
	return 0, false
}

const recoveryCharacters = 16 // 80 bits

// NewRecoveryCode returns a code such as 7KQ2-M9XA-P4RT-W3ZD: 80 random bits.
func NewRecoveryCode() string { return inGroups(randomText(recoveryCharacters), "-") }

// ParseRecoveryCode reads a code as people type it, in any case, with or without hyphens
// and spaces; false if the text cannot be a code.
func ParseRecoveryCode(s string) (string, bool) {
	var letters strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == '-' || r == ' ':
		case strings.ContainsRune(oneTimeAlphabet, r):
			letters.WriteRune(r)
		default:
			return "", false
		}
	}
	if letters.Len() != recoveryCharacters {
		return "", false
	}
	return inGroups(letters.String(), "-"), true
}

// HashRecoveryCode returns the only form of a code to store. The place (such as "recovery
// code of account 7") is part of it, so a hash cannot be moved. One round is enough,
// because the code is random.
func HashRecoveryCode(code, place string) string {
	sum := sha256.Sum256([]byte(place + "\x00" + code))
	return hex.EncodeToString(sum[:])
}

func inGroups(letters, between string) string {
	var groups []string
	for len(letters) > 4 {
		groups, letters = append(groups, letters[:4]), letters[4:]
	}
	return strings.Join(append(groups, letters), between)
}
