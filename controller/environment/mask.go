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
	// leastMasked is the least length of a masked secret, in bytes. To mask a shorter
	// secret would mask much other text.
	leastMasked = 4
	// leastMaskedLine is leastMasked for one line of several, as in a key in PEM.
	leastMaskedLine = 6
	// longLine is the length from which a line may be the first part of a longer one: the
	// engine's output and builds are cut at 64 KB.
	longLine = 32 << 10
)

// Mask replaces the secrets of one release in printed text by [secret NAME]: the value,
// each of its lines, and both in the forms of URLs, JSON and base64. It cannot find a
// secret that an app changes on purpose. The nil mask replaces nothing.
type Mask struct {
	replacer *strings.Replacer // reads each byte once, for any number of secrets
	forms    []maskedForm      // the longest first
}

// maskedForm is one printed form of a secret.
type maskedForm struct {
	text   string
	marker string
}

// NewMask returns the mask of secrets by name; nil if there is nothing to mask.
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

// Apply masks a complete text.
func (m *Mask) Apply(text string) string {
	if m == nil {
		return text
	}
	return m.replacer.Replace(text)
}

// Lines masks each line before it calls each.
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
		line.Coloured = m.coloured(line)
		return each(line)
	}
}

// coloured masks a line with its colours. A line with a secret that colours take apart loses its colours.
func (m *Mask) coloured(line docker.Line) string {
	if line.Coloured == "" {
		return ""
	}
	masked := m.replacer.Replace(line.Coloured)
	if printable.Plain(masked) != line.Text {
		return ""
	}
	return masked
}

// MaskedLines masks the lines of one output. A very long line may be cut: it can end in
// the middle of a secret, and the next line begins with the other half.
type MaskedLines struct {
	open []maskedForm // the forms that may continue in the next line
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

// formsOf returns the forms of a value, each on one line.
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
			add(strings.TrimSuffix(printable.Line(text), "\n")) // as a log holds it
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

// inBase64 returns the forms of the value in base64: by itself, and after any number of
// other bytes, as in the header of basic authentication. It leaves out the characters
// that depend on the text around the value.
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
