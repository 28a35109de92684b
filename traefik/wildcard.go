package traefik

import (
	"regexp"
	"strings"
)

// wildcardPrefix begins a wildcard host: it stands for exactly one label.
const wildcardPrefix = "*."

// checkLabel is a label below a wildcard host that nobody uses, for questions about the
// whole wildcard.
const checkLabel = "berth-wildcard-check"

// ParseAppHost is ParseHost for a host that an app may have: it also accepts a wildcard,
// such as *.example.com, which is every host one label below example.com. All rules of
// ParseHost hold for the part behind the star.
func ParseAppHost(s string) (Host, error) {
	rest, wildcard := strings.CutPrefix(s, wildcardPrefix)
	if !wildcard {
		return ParseHost(s)
	}
	if rest != "" && !strings.ContainsAny(rest, ".*") {
		return "", &InvalidError{Value: s, Reason: "The host is a wildcard over a whole top-level domain.", Hint: "Use a domain of your own, as in *.example.com."}
	}
	parent, err := ParseHost(rest)
	if err != nil {
		return "", err
	}
	if len(wildcardPrefix)+len(parent)+len(checkLabel) > maxHostBytes {
		return "", tooLongHost(s, len(wildcardPrefix)+len(parent))
	}
	return wildcardPrefix + parent, nil
}

// Parent returns the domain that a wildcard host is below; false for any other host.
func (h Host) Parent() (parent Host, wildcard bool) {
	rest, wildcard := strings.CutPrefix(string(h), wildcardPrefix)
	if !wildcard {
		return "", false
	}
	return Host(rest), true
}

// IsWildcard reports whether the host stands for all hosts one label below a domain.
func (h Host) IsWildcard() bool { return strings.HasPrefix(string(h), wildcardPrefix) }

// Sample is a host to ask for: the host itself, or for a wildcard one that it covers.
func (h Host) Sample() Host {
	if parent, wildcard := h.Parent(); wildcard {
		return checkLabel + "." + parent
	}
	return h
}

// Matches reports whether requests for host, which is no wildcard, match h. A wildcard
// matches one label: a.example.com and not a.b.example.com nor example.com.
func (h Host) Matches(host Host) bool {
	parent, wildcard := h.Parent()
	return h == host && h != "" || wildcard && host != parent && !host.IsWildcard() && parent.Covers(host)
}

// wildcardRule matches the hosts below the parent. The star stands for the characters that
// a label may have, so nothing of a request becomes part of anything. Like the proxy's
// Host, it matches a name with a dot at its end too.
func wildcardRule(parent Host) string {
	return "HostRegexp(`^[a-z0-9_-]+\\." + regexp.QuoteMeta(string(parent)) + "\\.?$`)"
}
