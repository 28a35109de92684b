package traefik

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

var (
	errNoName      = errors.New("The host has an xn-- part that stands for no name.")           //nolint:revive,staticcheck // shown as it is
	errNotIDNA     = errors.New("The host has a character that no domain name can have.")       //nolint:revive,staticcheck // shown as it is
	errMixedScript = errors.New("The host mixes letters of scripts that look like each other.") //nolint:revive,staticcheck // shown as it is
)

// mixable are the scripts that one label may mix: the scripts of Japanese, Chinese and
// Korean, each with Latin (Unicode TS 39, highly restrictive).
var mixable = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Bopomofo"},
	{"Latin", "Han", "Hangul"},
}

// toASCII returns the name in the form of DNS: lower case, and xn-- if it is not ASCII.
// Both forms follow the same rules.
func toASCII(s string) (string, error) {
	lower := strings.ToLower(s)
	if isASCII(lower) && !strings.Contains(lower, "xn--") {
		return lower, nil
	}
	ascii, err := idna.Lookup.ToASCII(s)
	switch {
	case err != nil && isASCII(s):
		return "", errNoName
	case err != nil:
		return "", errNotIDNA
	case isASCII(s) && ascii != lower:
		return "", errNoName
	}
	name, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return "", errNoName
	}
	for label := range strings.SplitSeq(name, ".") {
		if err := checkLetters(label); err != nil {
			return "", err
		}
	}
	return ascii, nil
}

// checkLetters allows only letters, marks and digits of one script, as IDNA2008 does. The
// mapping before it also allows symbols.
func checkLetters(label string) error {
	var scripts []string
	for _, r := range label {
		if r != '-' && !unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd) {
			return errNotIDNA
		}
		script := scriptOf(r)
		if script != "" && !slices.Contains(scripts, script) {
			scripts = append(scripts, script)
		}
	}
	if len(scripts) < 2 {
		return nil
	}
	for _, together := range mixable {
		if !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(together, s) }) {
			return nil
		}
	}
	return errMixedScript
}

// scriptOf is the script of the letter; empty for letters of many scripts, such as
// digits.
func scriptOf(r rune) string {
	if r < 0x80 {
		if 'a' <= r && r <= 'z' {
			return "Latin"
		}
		return ""
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// Unicode returns the name in its readable form; for most hosts it is the same.
func (h Host) Unicode() string {
	if !strings.Contains(string(h), "xn--") {
		return string(h)
	}
	if parent, wildcard := h.Parent(); wildcard {
		return wildcardPrefix + parent.Unicode()
	}
	name, err := idna.Lookup.ToUnicode(string(h))
	if err != nil {
		return string(h)
	}
	return name
}

// Both returns both forms of the name if they differ, for people to compare.
func (h Host) Both() string {
	if name := h.Unicode(); name != string(h) {
		return name + " (" + string(h) + ")"
	}
	return string(h)
}
