package main

import (
	"io"
	"strings"
	"text/tabwriter"

	"berth/controller/printable"
)

// table prints columns. Names and errors of others cannot move the cursor of a terminal:
// what is not printable is shown as a sign.
func (p *program) table() *tabwriter.Writer {
	return tabwriter.NewWriter(plainLines{p.stdout}, 0, 0, 2, ' ', 0)
}

// plainLines writes lines of printable text. Each write has whole characters.
type plainLines struct{ to io.Writer }

func (l plainLines) Write(text []byte) (int, error) {
	lines := strings.Split(string(text), "\n")
	for at, line := range lines {
		lines[at] = printable.Replace(line, '\uFFFD')
	}
	if _, err := io.WriteString(l.to, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(text), nil
}
