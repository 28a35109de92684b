package address

import (
	"slices"
	"testing"
)

func TestParseRange_TakesNetworksAndAddressesAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.0.0.5/8": "10.0.0.5/8", "10.1.2.3": "10.1.2.3/32", "2001:db8::1": "2001:db8::1/128",
		"::ffff:10.1.2.3": "::ffff:10.1.2.3/128", "0.0.0.0/0": "0.0.0.0/0",
		"": "", "host": "", "10.0.0": "", "10.0.0.0/33": "", "fe80::1%eth0": "", "fe80::1%eth0/64": "", "10.0.0.1/": "",
	} {
		got, err := ParseRange(text)
		if want == "" != (err != nil) || err == nil && got.String() != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestSplitList_DividesAtCommasAndWhiteSpace(t *testing.T) {
	if got := SplitList(" a,b, c\r\nd\te,, "); !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("got %q", got)
	}
}
