package networks

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, text := range texts {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}

func TestSubnetPool_GivesTheLowestThatIsFree(t *testing.T) {
	for name, test := range map[string]struct {
		reserved, used []netip.Prefix
		want           string
	}{
		"empty":                  {nil, nil, "10.9.0.0/27"},
		"reserved":               {prefixes("10.9.0.0/24"), nil, "10.9.1.0/27"},
		"used":                   {nil, prefixes("10.9.0.0/27", "10.9.0.32/27"), "10.9.0.64/27"},
		"a gap":                  {nil, prefixes("10.9.0.0/27", "10.9.0.64/27"), "10.9.0.32/27"},
		"a smaller one inside":   {nil, prefixes("10.9.0.16/30"), "10.9.0.32/27"},
		"a larger one around":    {nil, prefixes("10.9.0.0/25", "10.9.0.128/26"), "10.9.0.192/27"},
		"elsewhere, and IPv6":    {nil, prefixes("192.168.0.0/16", "fd00::/8"), "10.9.0.0/27"},
		"not masked, overlapped": {prefixes("10.9.0.5/26"), prefixes("10.9.0.9/28"), "10.9.0.64/27"},
	} {
		pool, err := newSubnetPool(netip.MustParsePrefix("10.9.3.7/16"), test.reserved)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pool.free(test.used); err != nil || got.String() != test.want {
			t.Errorf("%s: free() = %s, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestSubnetPool_SaysWhenItIsFull(t *testing.T) {
	for pool, used := range map[string]string{
		"10.9.0.0/26":        "10.9.0.0/25",
		"255.255.255.0/24":   "255.255.255.0/24",
		"10.9.0.0/27":        "10.0.0.0/8",
		"255.255.255.224/27": "255.255.255.240/30",
	} {
		made, err := newSubnetPool(netip.MustParsePrefix(pool), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := made.free(prefixes(used)); !errors.Is(err, ErrNoSubnet) {
			t.Errorf("free() of %s = %s, %v; want ErrNoSubnet", pool, got, err)
		}
	}
}

func TestSubnetPool_RefusesWhatHoldsNoNetwork(t *testing.T) {
	for _, pool := range []netip.Prefix{{}, netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("10.0.0.0/28")} {
		if _, err := newSubnetPool(pool, nil); err == nil {
			t.Errorf("%s is accepted", pool)
		}
	}
}

func TestParseRoutes_ReadsTheKernelsTable(t *testing.T) {
	table := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"br-1\t2000D50A\t00000000\t0001\t0\t0\t0\tE0FFFFFF\t0\t0\t0\n" +
		"broken\tzz\t0\t0\t0\t0\t0\t0\n"
	if got, want := parseRoutes(strings.NewReader(table)), prefixes("172.17.0.0/16", "10.213.0.32/27"); !slices.Equal(got, want) {
		t.Errorf("routes %v, want %v", got, want)
	}
}

func FuzzParseRoutes(f *testing.F) {
	f.Add("x 000011AC 0 0 0 0 0 0000FFFF")
	f.Fuzz(func(t *testing.T, table string) {
		for _, route := range parseRoutes(strings.NewReader(table)) {
			if !route.IsValid() {
				t.Errorf("route %s of %q", route, table)
			}
		}
	})
}
