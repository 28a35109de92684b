package address

import (
	"net/netip"
	"testing"
)

func TestIsPublic_KnowsWhatIsNobodysOnTheInternet(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.1.1": false,
		"0.0.0.1": false, "100.64.0.1": false, "192.0.2.7": false, "203.0.113.9": false, "198.18.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "::ffff:127.0.0.1": false,
		"::1": false, "fe80::1": false, "fe80::1%eth0": false, "fd00::1": false, "ff02::1": false, "2001:db8::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a9fe:a9fe": false, "2002:7f00:1::": false, "fec0::1": false, "100::1": false,
		"2606:4700::1111%eth0": false,
	} {
		if got := IsPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if IsPublic(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}
