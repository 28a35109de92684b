package traefik

import (
	"crypto/sha1" //nolint:gosec // see line
	"encoding/base64"
	"log/slog"
)

// APIUser is the user name for the APIPassword.
const APIUser = "berth"

// APIPassword opens the proxy's API, and so the dashboard. Logs never show it.
type APIPassword string

// NewAPIPassword makes a password from at least 16 random bytes.
func NewAPIPassword(random []byte) APIPassword {
	return APIPassword(base64.RawURLEncoding.EncodeToString(random[:16]))
}

// LogValue hides it.
func (p APIPassword) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String hides it.
func (p APIPassword) String() string { return "[redacted]" }

// line is the proxy's line for the password. A quick hash is enough, because nobody can
// guess 128 random bits. A slow hash would cost time at each of the many calls of a
// release.
func (p APIPassword) line() string {
	sum := sha1.Sum([]byte(p)) //nolint:gosec // the proxy knows no other quick one; only the way back matters here
	return APIUser + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
}
