package printable

import (
	"strconv"
	"strings"
	"unicode"
)

// Name returns text so that it can be shown within a sentence: quoted where it holds
// anything else than printable characters, without its middle where it has more than
// most bytes.
func Name(text string, most int) string {
	if len(text) > most {
		text = text[:most/2] + "..." + text[len(text)-most/2:]
	}
	if strings.ContainsRune(text, unicode.ReplacementChar) || !Is(text) {
		return strconv.Quote(text)
	}
	return text
}

// Replace puts a sign in the place of each character that is not printable, so that a
// reader sees that something was there.
func Replace(text string, sign rune) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return sign
		}
		return r
	}, text)
}
