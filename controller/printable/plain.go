package printable

import (
	"regexp"
	"strings"
	"unicode"
)

// escapeSequence is what terminals obey: colours, cursor movements, titles.
var escapeSequence = regexp.MustCompile(`\x1b(\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\][^\x07\x1b]*(\x07|\x1b\\)?|[\x40-\x5a\x5c-\x5f])`)

// Plain returns a line as valid UTF-8 without escape sequences, control characters but
// the tab, and marks that turn the direction of text. What stays of an escape sequence
// otherwise would look like a part of the text.
func Plain(line string) string {
	line = strings.ToValidUTF8(line, "\uFFFD")
	if strings.IndexFunc(line, steers) < 0 {
		return line
	}
	line = escapeSequence.ReplaceAllString(line, "")
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return -1
		}
		return r
	}, line)
}

func steers(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
