package recipe

import (
	"strings"
	"testing"
)

func TestLanguage_ChoosesWhatIsAskedForOrTheNearest(t *testing.T) {
	for _, c := range []struct {
		language language
		text     string
		want     string
	}{
		{nodeJS, "", "24"},
		{nodeJS, "22", "22"},
		{nodeJS, "v22.1.0\n", "22"},
		{nodeJS, "22.x", "22"},
		{nodeJS, "=22.4.1", "22"},
		{nodeJS, ">=18", "24"},
		{nodeJS, "^20.0.0 || ^22.0.0", "22"},
		{nodeJS, ">=20 <23", "22"},
		{nodeJS, "<=22", "22"},
		{nodeJS, "18 - 22", "22"},
		{nodeJS, "*", "24"},
		{nodeJS, "8", "20"},
		{nodeJS, "^14.17", "20"},
		{nodeJS, ">=99", "26"},
		{nodeJS, "lts/*", "24"},
		{nodeJS, "latest", "24"},
		{nodeJS, "22; rm -rf /", "24"},
		{nodeJS, strings.Repeat(">=1 ", 100), "24"},
		{python, "3.11", "3.11"},
		{python, "python-3.12.4", "3.12"},
		{python, "3", "3.13"},
		{python, "2", "3.9"},
		{python, "2.7.18", "3.9"},
		{python, "==3.11.*", "3.11"},
		{python, "==3.12.3", "3.12"},
		{python, "~=3.11", "3.13"},
		{python, "~=3.11.2", "3.11"},
		{python, ">=3.9,<3.12", "3.11"},
		{python, ">=3.9,!=3.13.*", "3.14"},
		{python, ">3.99", "3.14"},
		{golang, "go1.26.8", "1.26"},
		{golang, "1.25", "1.25"},
		{golang, "1.26rc1", "1.26"},
		{golang, "1.18", "1.25"},
		{golang, "1.99", "1.26"},
		{php, "^8.1|^8.2", "8.4"},
		{php, ">=7.4 <8.3", "8.2"},
		{php, "~8.3.0", "8.3"},
		{php, "8", "8.4"},
	} {
		got, reason := c.language.choose("file", c.text)
		if got != c.want {
			t.Errorf("%s %.40q is built with %s, want %s", c.language.name, c.text, got, c.want)
		}
		if !strings.HasSuffix(reason, ".") || !strings.Contains(reason, got) || strings.ContainsAny(reason, "\n\r") {
			t.Errorf("%s %.40q: not a sentence that names %s: %q", c.language.name, c.text, got, reason)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, seed := range []string{"", "22", ">=20 <24", "~=3.11.2", "^8.1|^8.2", "1 - 2", "!=3.x", "||", "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range []language{golang, nodeJS, python, php} {
			line, reason := l.choose("file", text)
			if !strings.Contains(strings.Join(l.lines, " ")+" ", line+" ") || reason == "" {
				t.Errorf("%s %q is built with %q", l.name, text, line)
			}
		}
	})
}
