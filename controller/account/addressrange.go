package account

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"berth/controller/address"
	"berth/controller/problem"
)

// maxAddressRanges is the most ranges of one token.
const maxAddressRanges = 20

// AddressRanges are networks that must hold a client's address. The caller decides what
// no range means.
type AddressRanges []netip.Prefix

// ParseAddressRanges reads networks (10.0.0.0/8) and single addresses, separated by
// commas or spaces. An empty text is no range. The error is a Problem of
// problem.KindInvalid with the field from.
func ParseAddressRanges(s string) (AddressRanges, error) {
	var ranges AddressRanges
	for _, text := range address.SplitList(s) {
		parsed, err := parseAddressRange(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, parsed)
	}
	if len(ranges) > maxAddressRanges {
		return nil, badAddressRange(fmt.Sprintf("%d address ranges are too many.", len(ranges)), fmt.Sprintf("Give at most %d.", maxAddressRanges))
	}
	return ranges, nil
}

// Contain reports whether one of the ranges holds the address.
func (r AddressRanges) Contain(client netip.Addr) bool {
	client = client.Unmap().WithZone("")
	return slices.ContainsFunc(r, func(one netip.Prefix) bool { return one.Contains(client) })
}

// String is the form that ParseAddressRanges reads.
func (r AddressRanges) String() string {
	texts := make([]string, 0, len(r))
	for _, one := range r {
		texts = append(texts, one.String())
	}
	return strings.Join(texts, ", ")
}

func parseAddressRange(text string) (netip.Prefix, error) {
	prefix, err := address.ParseRange(text)
	if err == nil && prefix.Addr().Is4In6() && !strings.Contains(text, "/") {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), 32)
	}
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, badAddressRange(fmt.Sprintf("%.60q is not an address range.", text), "Write networks such as 10.0.0.0/8 or 2001:db8::/32, or single addresses.")
	}
	if prefix != prefix.Masked() {
		// The text can mean one address or its whole network: the person must say which.
		return netip.Prefix{}, badAddressRange(
			fmt.Sprintf("%s is not the first address of its network.", prefix), fmt.Sprintf("Write %s for the network, or %s for the one address.", prefix.Masked(), prefix.Addr()))
	}
	return prefix, nil
}

func badAddressRange(message, hint string) error {
	return problem.Invalid(message, hint).At("from")
}
