package environment

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"berth/controller/docker"
	"berth/controller/printable"
)

const (
	// leastMasked is how many bytes a secret needs to be masked: of shorter ones, too
	// much that is no secret would be.
	leastMasked = 4
	// leastMaskedLine is leastMasked for one line of several, such as of a key in PEM.
	leastMaskedLine = 6
	// longLine is how long a line is that may be the first part of a longer one: the
	// engine's output and builds are cut at 64 KB.
	longLine = 32 << 10
)

// Mask replaces the secrets of one release in what is printed by [secret NAME]: the
// value, each of its lines, and both as URLs, JSON and base64 hold them. It cannot
// find what an app has turned around on purpose. The nil mask replaces nothing.
type Mask struct {
	replacer *strings.Replacer // looks at each byte once, however many secrets there are
	forms    []maskedForm      // the longest first
}

// maskedForm is a text that a secret may be printed as.
type maskedForm struct {
	text   string
	marker string
}

// NewMask returns the mask of secrets by name, nil where there is nothing to mask.
func NewMask(secrets map[string]string) *Mask {
	marker := make(map[string]string) // by text
	for name, value := range secrets {
		for _, text := range formsOf(value) {
			if taken, ok := marker[text]; !ok || name < taken {
				marker[text] = name
			}
		}
	}
	if len(marker) == 0 {
		return nil
	}
	made := &Mask{forms: make([]maskedForm, 0, len(marker))}
	for text, name := range marker {
		made.forms = append(made.forms, maskedForm{text, fmt.Sprintf("[secret %s]", name)})
	}
	slices.SortFunc(made.forms, func(a, b maskedForm) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.text, b.text))
	})
	pairs := make([]string, 0, 2*len(made.forms))
	for _, form := range made.forms {
		pairs = append(pairs, form.text, form.marker)
	}
	made.replacer = strings.NewReplacer(pairs...)
	return made
}

// Apply masks a text that is whole.
func (m *Mask) Apply(text string) string {
	if m == nil {
		return text
	}
	return m.replacer.Replace(text)
}

// Lines masks lines on their way to each.
func (m *Mask) Lines(each func(docker.Line) error) func(docker.Line) error {
	if m == nil {
		return each
	}
	var outputs [2]MaskedLines
	return func(line docker.Line) error {
		output := &outputs[0]
		if line.Stderr {
			output = &outputs[1]
		}
		line.Text = output.Next(m, line.Text)
		return each(line)
	}
}

// MaskedLines masks the lines of one output. A line so long that it may have been
// cut may end in the middle of a secret, whose other half begins the next one.
type MaskedLines struct {
	open []maskedForm // what the next line may begin with
}

// Next returns the line with every secret masked. A nil Mask masks nothing.
func (l *MaskedLines) Next(m *Mask, line string) string {
	if m == nil {
		return line
	}
	begin := ""
	for _, rest := range l.open {
		if after, ok := strings.CutPrefix(line, rest.text); ok {
			begin, line = rest.marker, after
			break
		}
	}
	l.open = l.open[:0]
	long := len(line) >= longLine
	line = m.replacer.Replace(line)
	if long {
		line = l.hold(m, line)
	}
	return begin + line
}

// hold masks the beginning of a secret at the end of the line.
func (l *MaskedLines) hold(m *Mask, line string) string {
	whole, end := strings.TrimSuffix(line, "\n"), ""
	if len(whole) < len(line) {
		end = "\n"
	}
	longest, marker := 0, ""
	for _, form := range m.forms {
		for n := min(len(form.text)-1, len(whole)); n > 0; n-- {
			if form.text[n-1] != whole[len(whole)-1] || !strings.HasSuffix(whole, form.text[:n]) {
				continue
			}
			l.open = append(l.open, maskedForm{form.text[n:], form.marker})
			if n > longest {
				longest, marker = n, form.marker
			}
		}
	}
	return whole[:len(whole)-longest] + marker + end
}

// formsOf are the texts of one line each that a value may be printed as.
func formsOf(value string) []string {
	var forms []string
	least := leastMasked
	if strings.Contains(value, "\n") {
		least = leastMaskedLine
	}
	add := func(text string) {
		if len(text) >= least && !slices.Contains(forms, text) {
			forms = append(forms, text)
		}
	}
	addEscaped := func(text string) {
		add(url.QueryEscape(text))
		add(url.PathEscape(text))
		add(inJSON(text))
	}
	for line := range strings.SplitSeq(value, "\n") {
		line = strings.TrimRight(line, "\r")
		for _, text := range []string{line, strings.TrimSpace(line)} {
			add(strings.TrimSuffix(printable.Line(text), "\n")) // as it gets into a log
			addEscaped(text)
		}
	}
	if len(value) < leastMasked {
		return forms
	}
	for _, text := range []string{value, strings.TrimSpace(value)} {
		addEscaped(text)
		for _, form := range inBase64(text) {
			add(form)
		}
	}
	return forms
}

// inJSON is the text as JSON and most languages quote it, without the quotes.
func inJSON(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil { // a string always encodes
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), `"`), `"`)
}

// inBase64 are what the value becomes in base64: by itself, and, as in the header of
// basic authentication, behind any number of other bytes. Characters that depend on
// what is around it are left out.
func inBase64(value string) []string {
	var forms []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(value)))
		for before := range 3 {
			encoded := encoding.EncodeToString(append(make([]byte, before), value...))
			first, end := (8*before+5)/6, 8*(before+len(value))/6
			if end-first >= leastMaskedLine {
				forms = append(forms, encoded[first:end])
			}
		}
	}
	return forms
}
