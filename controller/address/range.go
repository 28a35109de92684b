package address

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
)

// SplitList returns the words of a list with commas or white space between.
func SplitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// ParseRange reads a network, or a single address as a network of it alone. The range
// is as it was written: the caller says whether it may hold everybody, begin within its
// network (10.0.0.5/8), or be IPv4 in the form of IPv6.
func ParseRange(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	address, err := netip.ParseAddr(text)
	if err == nil && address.Zone() != "" {
		err = errors.New("the address is of one link")
	}
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(address, address.BitLen()), nil
}
