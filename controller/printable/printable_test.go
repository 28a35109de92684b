package printable

import "testing"

func TestLine_KeepsTabsAndDropsWhatSteersATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain":              "plain\n",
		"a\tb":               "a\tb\n",
		"\x1b[31mred\x1b[0m": "[31mred[0m\n",
		"two\r\nlines":       "twolines\n",
		"not \xff UTF-8":     "not \uFFFD UTF-8\n",
		"del\x7fete":         "delete\n",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestIs_RefusesEndsOfLinesAndTurnedWriting(t *testing.T) {
	for text, want := range map[string]bool{"a name": true, "": true, "a\nb": false, "a\u202eb": false, "\x00": false} {
		if Is(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestName_IsQuotedWhereItHoldsMoreThanPrintableCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"näme": "näme", "a\x1b[31m": `"a\x1b[31m"`, "a\u202eb": `"a\u202eb"`, "a\xffb": `"a\xffb"`, "0123456789a": "01234...6789a",
	} {
		if got := Name(text, 10); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

func TestReplace_ShowsThatSomethingWasThere(t *testing.T) {
	if got := Replace("a\tb\u202ec\nü", '?'); got != "a?b?c?ü" {
		t.Errorf("got %q", got)
	}
}
