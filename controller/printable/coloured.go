package printable

import (
	"regexp"
	"strings"
)

// colours is the one escape sequence that changes colours and nothing else.
var colours = regexp.MustCompile(`^\x1b\[[0-9;]{0,32}m$`)

// Coloured is Plain with the sequences that change colours, each ESC [ numbers m. It is
// empty where a line has none.
func Coloured(line string) string {
	if !strings.Contains(line, "\x1b[") {
		return ""
	}
	line = strings.ToValidUTF8(line, "�")
	var made strings.Builder
	found, end := false, 0
	for _, at := range escapeSequence.FindAllStringIndex(line, -1) {
		made.WriteString(Plain(line[end:at[0]]))
		if sequence := line[at[0]:at[1]]; colours.MatchString(sequence) {
			made.WriteString(sequence)
			found = true
		}
		end = at[1]
	}
	if !found {
		return ""
	}
	made.WriteString(Plain(line[end:]))
	return made.String()
}
