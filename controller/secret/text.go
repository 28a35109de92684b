// Package secret makes, checks and seals what must not be seen: passwords, tokens, keys and values at rest.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret string. It prints, logs and encodes as [redacted] by every
// way that goes through fmt, slog or encoding; only Reveal gives it away. The
// empty Text means that there is no secret.
type Text string

// Reveal returns the secret itself.
func (t Text) Reveal() string { return string(t) }

// String returns [redacted], or nothing for the empty Text.
func (t Text) String() string {
	if t == "" {
		return ""
	}
	return redacted
}

// Format redacts under every verb, %q, %x and %#v included.
func (t Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }

// LogValue redacts in logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText redacts in JSON, YAML and whatever else encodes text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
