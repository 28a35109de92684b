package registry

import (
	"slices"
	"testing"
)

func TestParseList_RefusesWhatIsNoHost(t *testing.T) {
	if got, err := ParseList(" Registry.lan:5000, 10.0.0.5,[::1]:80 "); err != nil || !slices.Equal(got, []string{"registry.lan:5000", "10.0.0.5", "[::1]:80"}) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, text := range []string{"https://a", "a/b", "*", "a b", "a:b"} {
		if _, err := ParseList(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
