package traefik

import (
	"fmt"
	"strings"
)

const (
	maxHostBytes  = 253 // RFC 1035, without the trailing dot
	maxLabelBytes = 63
)

// verifyDomain is the domain of names that only the controller uses. No app can claim
// one.
const verifyDomain = "berth.internal"

// Host is a full DNS name as ParseHost accepts it: lower case, at least two labels,
// international names in their xn-- form. As ParseAppHost accepts it, it may be a wildcard.
// The empty Host means any host.
type Host string

// ParseHost returns s as a Host, in lower case, because DNS ignores case. A name in
// Unicode becomes its xn-- form, if IDNA2008 has one. ParseHost refuses addresses, ports,
// wildcards, trailing dots, names that mix scripts to look like another name, and names
// that Berth reserves. The error is an *InvalidError.
func ParseHost(s string) (Host, error) {
	if len(s) > maxHostBytes {
		return "", tooLongHost(s, len(s))
	}
	if err := checkOddHost(s); err != nil {
		return "", err
	}
	host, err := toASCII(s)
	if err != nil {
		return "", &InvalidError{Value: s, Reason: err.Error(), Hint: "Check its spelling, or copy the xn-- form from your domain's registrar."}
	}
	if len(host) > maxHostBytes {
		return "", tooLongHost(s, len(host))
	}
	if err := checkLabels(s, host); err != nil {
		return "", err
	}
	return Host(host), nil
}

func tooLongHost(s string, length int) error {
	return &InvalidError{
		Value: s, Reason: fmt.Sprintf("The host has %d characters, and %d is the most.", length, maxHostBytes), Hint: "Use a shorter domain.",
	}
}

// checkOddHost explains common mistakes and attacks in place of a host.
func checkOddHost(s string) error {
	refuse := func(reason, hint string) error { return &InvalidError{Value: s, Reason: reason, Hint: hint} }
	switch {
	case s == "":
		return refuse("The host is empty.", "Write a domain such as app.example.com.")
	case strings.ContainsAny(s, "`{}()|&\"\\'<>$"):
		return refuse("The host has a character that the proxy would read as part of a rule.", "Use letters, digits and inner hyphens between the dots, as in app.example.com.")
	case strings.Contains(s, "*"):
		return refuse("The host has a wildcard where none can be.", "One star alone may stand for the first part, as in *.example.com.")
	case strings.HasSuffix(s, "."):
		return refuse("The host ends in a dot.", "Leave the dot off, as in app.example.com.")
	}
	return nil
}

// checkLabels checks the labels of host, which was typed as s.
func checkLabels(s, host string) error {
	refuse := func(reason, hint string) error { return &InvalidError{Value: s, Reason: reason, Hint: hint} }
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return refuse("The host is a single word, not a full domain.", "Write a domain such as app.example.com, or a path such as /app.")
	}
	for _, label := range labels {
		if !isHostLabel(label) {
			return refuse("The host is not a domain name.", "Use letters, digits and inner hyphens between the dots, as in app.example.com, with no port and no dot at the end.")
		}
	}
	if isNumber(labels[len(labels)-1]) {
		return refuse("The host is an address, not a domain name.", "Leave the host off to answer on every address, as in /app.")
	}
	if host == verifyDomain || strings.HasSuffix(host, "."+verifyDomain) {
		return refuse("The domain "+verifyDomain+" belongs to Berth itself.", "Use a domain of your own.")
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isHostLabel also refuses hyphens in third and fourth place, which are reserved for
// prefixes such as xn--.
func isHostLabel(label string) bool {
	if label == "" || len(label) > maxLabelBytes || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	if len(label) > 3 && label[2:4] == "--" && label[:2] != "xn" {
		return false
	}
	for i := range len(label) {
		if !isLowerOrDigit(label[i]) && label[i] != '-' {
			return false
		}
	}
	return true
}

func isLowerOrDigit(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// isNumber checks the last label: browsers read 1.2.3.0x4 as an address too.
func isNumber(label string) bool {
	digits := strings.TrimPrefix(label, "0x")
	base := "0123456789"
	if digits != label {
		base += "abcdef"
	}
	return strings.Trim(digits, base) == ""
}
