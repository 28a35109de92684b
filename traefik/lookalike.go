package traefik

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are letters that look like another one, from Unicode's list of confusables:
// Cyrillic and Greek letters, and digits, that look like Latin letters.
var lookalikes = strings.NewReplacer(
	"а", "a", "в", "b", "с", "c", "ԁ", "d", "е", "e", "ғ", "f", "ԍ", "g", "һ", "h", "н", "h", "і", "i", "ј", "j", "к", "k", "ӏ", "l",
	"м", "m", "п", "n", "о", "o", "р", "p", "ԛ", "q", "г", "r", "ѕ", "s", "т", "t", "ц", "u", "ѵ", "v", "ѡ", "w", "ԝ", "w", "х", "x", "у", "y", "ү", "y",
	"α", "a", "β", "b", "ε", "e", "η", "n", "ι", "i", "κ", "k", "ν", "v", "ο", "o", "ρ", "p", "σ", "o", "τ", "t", "υ", "u", "χ", "x", "ω", "w", "γ", "y",
	"ı", "i", "ɑ", "a", "ɡ", "g", "ł", "l", "ø", "o", "đ", "d", "ħ", "h", "ß", "b", "ƅ", "b", "ɩ", "i",
	"0", "o", "1", "l", "rn", "m", "vv", "w", "cl", "d",
)

// LooksLike reports whether a person could mistake the host for other: they are the same
// word except for accents and letters that look alike.
func (h Host) LooksLike(other Host) bool {
	return h != other && h.skeleton() == other.skeleton()
}

// skeleton is the common form of all names that look alike.
func (h Host) skeleton() string {
	var bare strings.Builder
	for _, r := range norm.NFD.String(h.Unicode()) {
		if !unicode.Is(unicode.Mn, r) {
			bare.WriteRune(r)
		}
	}
	// Twice: a digit that became a letter may then be part of a pair.
	return lookalikes.Replace(lookalikes.Replace(bare.String()))
}
