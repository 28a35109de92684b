package logs

import (
	"slices"
	"strings"
	"testing"
)

func TestLevelOf_ReadsJSONLogfmtAndLeadingWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Level{
		`{"time":"2026-11-30T09:00:00Z","level":"warn","msg":"slow"}`: Warn,
		`{"severity": "ERROR"}`:                       Error,
		`time=2026-11-30 level=debug msg=x`:           Debug,
		"[ERROR] no answer":                           Error,
		"2026-11-30 09:00:00 WARN slow":               Warn,
		"2026/11/30 09:00:00.123 [info] 12#12: begin": Info,
		"panic: runtime error":                        Error,
		"GET /error 200":                              Unknown,
		"hello":                                       Unknown,
		"":                                            Unknown,
		`{"message":"level"}`:                         Unknown,
	} {
		if got := LevelOf(text); got != want {
			t.Errorf("%q is %q, and not %q", text, got, want)
		}
	}
}

func TestParts_ReadColoursAndForgetNoText(t *testing.T) {
	t.Parallel()
	got := Parts("a\x1b[1;31mb\x1b[0mc\x1b[38;5;12;44md\x1b[38;2;1;2;3me\x1b[39;49;22mf\x1b[999;;mg")
	want := []Part{
		{"a", Style{}},
		{"b", Style{Foreground: 2, Bold: true}},
		{"c", Style{}},
		{"d", Style{Foreground: 13, Background: 5}},
		{"e", Style{Background: 5}},
		{"f", Style{}},
		{"g", Style{}},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func FuzzParts(f *testing.F) {
	f.Add("a\x1b[1;31mb\x1b[0mc\x1b[38;5;12md")
	f.Fuzz(func(t *testing.T, text string) {
		for _, part := range Parts(text) {
			if strings.ContainsRune(part.Text, escape) || part.Style.Foreground > 16 || part.Style.Background > 16 {
				t.Errorf("%q has the part %+v", text, part)
			}
		}
	})
}

func TestParsePosition_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "web:", "web:-1", "../x:1", "web:1~", "web:99999999999999999999", strings.Repeat("a", 200) + ":1", ".:1"} {
		if at, ok := ParsePosition(text); ok {
			t.Errorf("%q was read as %q", text, at)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("web:12~db:3~@requests:4")
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := ParsePosition(text)
		if !ok {
			return
		}
		if again, ok := ParsePosition(at.String()); !ok || again.String() != at.String() {
			t.Errorf("%q is written as %q", text, at)
		}
	})
}

func TestSearch_RefusesWhatCannotBeSearchedForInWords(t *testing.T) {
	t.Parallel()
	var q Query
	for _, text := range []string{strings.Repeat("x", MostSearch+1), "\xff", "["} {
		if err := q.Search(text, true); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if err := q.Search("[", false); err != nil || q.Text != "[" {
		t.Errorf("a text is refused: %v", err)
	}
}
