// Package secret makes, checks and seals secrets: passwords, tokens, keys and values at
// rest.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret string. Every way through fmt, slog or encoding gives [redacted]; only
// Reveal returns the secret. The empty Text means that there is no secret.
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

// MarshalText redacts in JSON, YAML and every other encoding of text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
