package traefik

import (
	"crypto/sha1" //nolint:gosec // see line
	"encoding/base64"
	"log/slog"
)

// APIUser is the name that goes with the APIPassword.
const APIUser = "berth"

// APIPassword opens the proxy's API, and with it what the dashboard shows. Logs
// show nothing of it.
type APIPassword string

// NewAPIPassword makes one of at least 16 random bytes.
func NewAPIPassword(random []byte) APIPassword {
	return APIPassword(base64.RawURLEncoding.EncodeToString(random[:16]))
}

// LogValue hides it.
func (p APIPassword) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String hides it.
func (p APIPassword) String() string { return "[redacted]" }

// line is what the proxy checks requests against. The quick hash is enough, since
// nobody can guess 128 random bits; a slow one would cost at each of the many
// questions that a release asks.
func (p APIPassword) line() string {
	sum := sha1.Sum([]byte(p)) //nolint:gosec // the proxy knows no other quick one; only the way back matters here
	return APIUser + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
}
