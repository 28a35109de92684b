package dialect

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// Kind is the sort of a value that a template leaves open.
type Kind string

// The kinds. The unit of a Generator's Length stands beside each; a kind without one has
// no length.
const (
	KindPassword Kind = "password" // characters, letters and digits
	KindSymbols  Kind = "symbols"  // characters, letters, digits and signs
	KindBase64   Kind = "base64"   // random bytes before they are encoded
	KindHex      Kind = "hex"      // characters
	KindUserName Kind = "username" // characters, a small letter first
	KindEmail    Kind = "email"    // at example.com, which nobody owns
	KindUUID     Kind = "uuid"
	KindPort     Kind = "port"    // a number from 1024 to 65535
	KindMillis   Kind = "millis"  // milliseconds since 1970
	KindSeconds  Kind = "seconds" // seconds since 1970
	KindToken    Kind = "token"   // a JSON Web Token that the Blank's Key signs with HS256
	// KindHost is the host of a route. Nobody can generate it: a person answers it.
	KindHost Kind = "host"
	// KindScheme is https unless a person answers otherwise.
	KindScheme Kind = "scheme"
)

// MaxLength is the greatest Length of a Generator.
const MaxLength = 1024

const (
	small   = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	letters = small + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
	// Signs that need no quotes in a URL, a shell or a .env file.
	signs = letters + "-_.~"
)

// Generator says how a value is made.
type Generator struct {
	Kind   Kind
	Length int // in the unit of Kind; 0 for a kind without a length
}

// secret reports whether a value of this kind is one that only the app may know.
func (k Kind) secret() bool {
	switch k {
	case KindPassword, KindSymbols, KindBase64, KindHex, KindToken:
		return true
	default:
		return false
	}
}

// Generate makes a new value with the system's secure random numbers. It makes none for
// KindHost, which a person answers, and for KindToken, which Form.Fill signs.
func (g Generator) Generate() (string, error) {
	if g.Length < 0 || g.Length > MaxLength {
		return "", fmt.Errorf("generate %s: a length of %d is not from 0 to %d", g.Kind, g.Length, MaxLength)
	}
	switch g.Kind {
	case KindPassword:
		return pick(letters, g.Length), nil
	case KindSymbols:
		return pick(signs, g.Length), nil
	case KindBase64:
		return base64.StdEncoding.EncodeToString(randomBytes(g.Length)), nil
	case KindHex:
		return hex.EncodeToString(randomBytes((g.Length + 1) / 2))[:g.Length], nil
	case KindUserName:
		return userName(g.Length), nil
	case KindEmail:
		return userName(userNameLength) + "@example.com", nil
	case KindUUID:
		return randomUUID(), nil
	case KindPort:
		return strconv.Itoa(1024 + below(65536-1024)), nil
	case KindMillis:
		return strconv.FormatInt(time.Now().UnixMilli(), 10), nil
	case KindSeconds:
		return strconv.FormatInt(time.Now().Unix(), 10), nil
	case KindScheme:
		return "https", nil
	default:
		return "", fmt.Errorf("generate %s: such a value is not generated", g.Kind)
	}
}

// userNameLength is the length of a name where the template gives none.
const userNameLength = 10

func userName(length int) string {
	if length == 0 {
		return ""
	}
	return pick(small, 1) + pick(small+digits, length-1)
}

func pick(alphabet string, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = alphabet[below(len(alphabet))]
	}
	return string(text)
}

// below is a number from 0 to most-1, each as likely as any other.
func below(most int) int {
	// It cannot fail: the reader ends the process instead.
	number, err := rand.Int(rand.Reader, big.NewInt(int64(most)))
	if err != nil {
		panic(err)
	}
	return int(number.Int64())
}

func randomBytes(length int) []byte {
	random := make([]byte, length)
	_, _ = rand.Read(random) // never fails
	return random
}

// randomUUID is a UUID of version 4.
func randomUUID() string {
	id := randomBytes(16)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
