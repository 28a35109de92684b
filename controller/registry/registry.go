// Package registry says which registries the engine may ask for images.
package registry

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"berth/controller/address"
	"berth/controller/problem"
)

// PrivateSuffixes are endings of names that no public name server answers.
var PrivateSuffixes = []string{".internal", ".local", ".test", ".lan", ".home.arpa"}

// privateHosts are endings of registries on a private network, or on this machine.
var privateHosts = append([]string{".localhost", ".localdomain", ".intranet", ".private", ".corp", ".home", ".svc", ".arpa"}, PrivateSuffixes...)

// ParseList reads the operator's list of registries, separated by commas: each is a
// host or an address, with a port or for every port.
func ParseList(text string) ([]string, error) {
	var registries []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		if !hostPattern.MatchString(name) {
			return nil, fmt.Errorf("%.80q is not the host of a registry", name)
		}
		registries = append(registries, name)
	}
	return registries, nil
}

var hostPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`)

// numericLabel is the last label of an address in one of its spellings, such as 127.1 or
// 0x7f.0.0.1: no public name ends like that.
var numericLabel = regexp.MustCompile(`^(0[xX][0-9a-fA-F]*|[0-9]+)$`)

// Check refuses an image whose registry is not on the internet, unless the
// operator named the registry: the engine would ask it in the host's own network.
func Check(named reference.Named, allowed []string) *problem.Refusal {
	domain := strings.ToLower(reference.Domain(named))
	host := hostOf(domain)
	if isPublicHost(host) || slices.ContainsFunc(allowed, func(name string) bool {
		return strings.EqualFold(name, domain) || strings.EqualFold(name, host)
	}) {
		return nil
	}
	return &problem.Refusal{
		Reason: fmt.Sprintf("The image %.120q is of the registry %.80s, which is not a public one: the server would ask it in its own network.", reference.FamiliarString(named), domain),
		Hint:   "Use an image of a public registry, or have the operator add the registry to BERTH_REGISTRIES.",
	}
}

// hostOf is a registry's name or address without its port.
func hostOf(domain string) string {
	if inner, found := strings.CutPrefix(domain, "["); found {
		inner, _, _ = strings.Cut(inner, "]")
		return inner
	}
	host, _, _ := strings.Cut(domain, ":")
	return host
}

// isPublicHost reports whether a host can be on the internet, by its name only.
func isPublicHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return address.IsPublic(ip)
	}
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != host && !numericLabel.MatchString(last) && !endsIn(host, privateHosts)
}

// IsPrivate reports whether a name, in lower case, has one of PrivateSuffixes.
func IsPrivate(name string) bool { return endsIn(name, PrivateSuffixes) }

func endsIn(name string, suffixes []string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
