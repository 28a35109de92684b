package traefik

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxHostBytes  = 253 // RFC 1035, without the trailing dot
	maxLabelBytes = 63
)

// verifyDomain holds the names that only the controller uses, so no app may claim one.
const verifyDomain = "berth.internal"

// Host is a full DNS name as ParseHost accepted it: lower case, at least two
// labels, international names in their xn-- form. The empty Host means any host.
type Host string

// ParseHost returns s as a Host, in lower case because DNS knows no other. It
// refuses addresses, ports, wildcards, trailing dots and the names that Berth
// keeps for itself with an *InvalidError.
func ParseHost(s string) (Host, error) {
	refuse := func(reason, hint string) (Host, error) {
		return "", &InvalidError{Value: s, Reason: reason, Hint: hint}
	}
	switch {
	case s == "":
		return refuse("The host is empty.", "Write a domain such as app.example.com.")
	case len(s) > maxHostBytes:
		return refuse(fmt.Sprintf("The host has %d characters, and %d is the most.", len(s), maxHostBytes), "Use a shorter domain.")
	case !isASCII(s):
		return refuse("The host has letters outside ASCII.", internationalHint(s))
	}
	host := strings.ToLower(s)
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
	if ascii, err := idna.Lookup.ToASCII(host); err != nil || ascii != host {
		return refuse("The host has an xn-- part that stands for no name.", "Copy the xn-- form from your domain's registrar.")
	}
	if host == verifyDomain || strings.HasSuffix(host, "."+verifyDomain) {
		return refuse("The domain "+verifyDomain+" belongs to Berth itself.", "Use a domain of your own.")
	}
	return Host(host), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func internationalHint(s string) string {
	ascii, err := idna.Lookup.ToASCII(s)
	if err != nil {
		return "Write the domain in its xn-- form."
	}
	if host, err := ParseHost(ascii); err == nil {
		return "Write it in its xn-- form: " + string(host) + "."
	}
	return "Write the domain in its xn-- form."
}

// isHostLabel also refuses hyphens in third and fourth place, which are kept for
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

// isNumber is about the last label: browsers read 1.2.3.0x4 as an address too.
func isNumber(label string) bool {
	digits := strings.TrimPrefix(label, "0x")
	base := "0123456789"
	if digits != label {
		base += "abcdef"
	}
	return strings.Trim(digits, base) == ""
}
