package printable

import (
	"strings"
	"testing"
)

func TestList_JoinsAFewNamesAndCountsTheOthers(t *testing.T) {
	for names, want := range map[string]string{
		"": "", "a": "a", "a b": "a and b", "a b c d e": "a, b, c, d and e", "a b c d e f g": "a, b, c, d, e and 2 more",
	} {
		if got := List(strings.Fields(names)); got != want {
			t.Errorf("List(%q) = %q, want %q", names, got, want)
		}
	}
}
