package printable

import (
	"regexp"
	"testing"
)

func TestColoured_KeepsColoursAndNothingElse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"plain":                            "",
		"\x1b[2Jcleared":                   "",
		"\x1b[31mred\x1b[0m":               "\x1b[31mred\x1b[0m",
		"\x1b[31mred\x1b[2K\x1b]0;t\x07 x": "\x1b[31mred x",
		"\x1b[1;38;5;9mbell\x07":           "\x1b[1;38;5;9mbell",
		"\x1b[31m\x1b[?25lx\x1b":           "\x1b[31mx",
	} {
		if got := Coloured(line); got != want {
			t.Errorf("Coloured(%q) = %q, want %q", line, got, want)
		}
	}
}

func FuzzColoured(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m\x1b[\x1b[0mx")
	f.Fuzz(func(t *testing.T, line string) {
		if left := regexp.MustCompile(`\x1b\[[0-9;]{0,32}m`).ReplaceAllString(Coloured(line), ""); left != Plain(left) {
			t.Errorf("%q becomes %q, which a terminal obeys", line, Coloured(line))
		}
	})
}
