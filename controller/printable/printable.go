// Package printable makes text that strangers wrote safe to show: in a log, on a page
// and in a terminal.
package printable

import (
	"strings"
	"unicode"
)

// Is reports whether text holds printable characters alone. Spaces are printable;
// ends of lines and marks that turn the direction of writing are not.
func Is(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Line makes text one line of valid UTF-8 without control characters but the tab, and
// ends it. What an app or a build prints can then not steer a terminal or break the
// framing of a page.
func Line(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f {
			return r
		}
		return -1
	}, text)
	return text + "\n"
}
