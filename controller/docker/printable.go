package docker

import (
	"regexp"
	"strings"
	"unicode"
)

// escapeSequence is what terminals obey: colours, cursor movements, titles.
var escapeSequence = regexp.MustCompile(`\x1b(\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\][^\x07\x1b]*(\x07|\x1b\\)?|[\x40-\x5a\x5c-\x5f])`)

// printable makes a line that a stranger's program wrote safe to show on a
// terminal or a page: valid UTF-8, without escape sequences, control characters
// and marks that turn the direction of text.
func printable(line string) string {
	line = strings.ToValidUTF8(line, "\uFFFD")
	if strings.IndexFunc(line, unprintable) < 0 {
		return line
	}
	line = escapeSequence.ReplaceAllString(line, "")
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, line)
}

func unprintable(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// lastDrawn returns what a terminal would show of a line that a progress bar
// drew again and again, going back to its start each time.
func lastDrawn(line string) string {
	line = strings.TrimRight(line, "\r")
	return line[strings.LastIndexByte(line, '\r')+1:]
}
