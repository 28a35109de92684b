package printable

import "testing"

func TestPlain_TakesTerminalsTricksAway(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext é":                     "plain\ttext é",
		"\x1b[31mred\x1b[0m":                "red",
		"\x1b]0;title\x07rest":              "rest",
		"\x1b]8;;http://evil\x1b\\link":     "link",
		"bell\x07 null\x00 back\b":          "bell null back",
		"bad \xff byte":                     "bad \uFFFD byte",
		"cut \x1b[":                         "cut [",
		"turn \u202etxt.exe":                "turn txt.exe",
		"\u009b31mC1":                       "31mC1",
		"unfinished \x1b]0;title that goes": "unfinished ",
	} {
		if got := Plain(text); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"\x1b[31mred", "a\xffb", "\x1b]0;x\x07"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range Plain(text) {
			if steers(r) {
				t.Errorf("Plain(%q) holds %U", text, r)
			}
		}
	})
}
