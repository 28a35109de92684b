// Package dotenv reads the text of a .env file.
//
// A line is NAME=value, with an optional export before it; empty lines and lines
// that begin with # are comments. What stands after a space and a # is a comment
// too, so that a#b is a value as it is. A value in single quotes is taken as it
// stands; in double quotes \n, \r, \t, \\, \" and \$ are escapes. Both may span
// lines. Nothing is interpolated: ${X} and $X stay what they are.
package dotenv

import (
	"fmt"
	"strings"

	"berth/controller/problem"
)

// Pair is one variable of the text. The name is as it was written, and may be one
// that no program could read.
type Pair struct {
	Name, Value string
	Line        int // where it begins, from 1
	// Reference tells that the value holds a $NAME or ${NAME} that a shell would have
	// replaced.
	Reference bool
}

// Parse returns the variables in the order of the text, or a *problem.Refusal for the
// first line that is wrong, which never quotes the text: it may be a secret. A name that is there twice is wrong.
func Parse(text string) ([]Pair, error) {
	text = strings.TrimPrefix(text, "\ufeff") // Windows editors write one
	text = strings.ReplaceAll(text, "\r\n", "\n")
	r := &reader{rest: text, line: 1}
	var pairs []Pair
	first := make(map[string]int)
	for r.rest != "" {
		pair, found, err := r.next()
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if line, twice := first[pair.Name]; twice {
			return nil, &problem.Refusal{Line: pair.Line, Reason: fmt.Sprintf("The name is in line %d already.", line), Hint: "Keep one of the two lines."}
		}
		first[pair.Name] = pair.Line
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// reader is what is left of the text.
type reader struct {
	rest string
	line int // of the first byte of rest
}

// next takes one line, or as many as a quoted value spans.
func (r *reader) next() (pair Pair, found bool, err error) {
	begin := r.line
	r.skipBlanks()
	if r.rest == "" || r.rest[0] == '\n' || r.rest[0] == '#' {
		r.takeLine()
		return Pair{}, false, nil
	}
	line, _, _ := strings.Cut(r.rest, "\n")
	name, _, found := strings.Cut(line, "=")
	if !found {
		return Pair{}, false, &problem.Refusal{Line: begin, Reason: "There is no = in it.", Hint: "Write NAME=value, and put a value of several lines in quotes."}
	}
	r.rest = r.rest[len(name)+1:]
	if after, exported := strings.CutPrefix(name, "export"); exported && after != strings.TrimLeft(after, " \t") {
		name = after
	}
	if name = strings.TrimSpace(name); name == "" {
		return Pair{}, false, &problem.Refusal{Line: begin, Reason: "There is no name before the =.", Hint: "Write NAME=value."}
	}
	pair = Pair{Name: name, Line: begin}
	pair.Value, pair.Reference, err = r.value()
	return pair, err == nil, err
}

func (r *reader) value() (value string, reference bool, err error) {
	spaced := r.skipBlanks()
	switch {
	case strings.HasPrefix(r.rest, "'"):
		value, err = r.quoted('\'')
		return value, false, err
	case strings.HasPrefix(r.rest, `"`):
		value, err = r.quoted('"')
	default:
		value = r.bare(spaced)
	}
	return value, hasReference(value), err
}

// bare takes a value without quotes. A # begins a comment where a space is before it.
func (r *reader) bare(spaced bool) string {
	line := r.takeLine()
	for i := range len(line) {
		if line[i] == '#' && (i == 0 && spaced || i > 0 && isBlank(line[i-1])) {
			line = line[:i]
			break
		}
	}
	return strings.TrimRight(line, " \t\r")
}

// quoted takes a value up to its closing quote, and the rest of that line.
func (r *reader) quoted(quote byte) (string, error) {
	begin := r.line
	var value strings.Builder
	for i := 1; i < len(r.rest); i++ {
		c := r.rest[i]
		switch {
		case c == quote:
			r.rest = r.rest[i+1:]
			return value.String(), r.endOfLine()
		case c == '\\' && quote == '"' && i+1 < len(r.rest) && escapes[r.rest[i+1]] != 0:
			i++
			value.WriteByte(escapes[r.rest[i]])
		default:
			if c == '\n' {
				r.line++
			}
			value.WriteByte(c)
		}
	}
	return "", &problem.Refusal{Line: begin, Reason: "The quote that opens the value is never closed.", Hint: "Close it, or put the value in the other kind of quotes where it holds one."}
}

// escapes are what a backslash stands before in double quotes; before all else it
// is a character as any other.
var escapes = [256]byte{'n': '\n', 'r': '\r', 't': '\t', '\\': '\\', '"': '"', '$': '$'}

// endOfLine takes what may follow a closing quote: a comment.
func (r *reader) endOfLine() error {
	line := r.line
	rest := strings.TrimLeft(r.takeLine(), " \t\r")
	if rest == "" || rest[0] == '#' {
		return nil
	}
	return &problem.Refusal{Line: line, Reason: "Something follows the closing quote.", Hint: "Put the whole value into one pair of quotes; inside double quotes write \\\" for a quote."}
}

// takeLine takes the rest of the line and its end.
func (r *reader) takeLine() string {
	line, rest, more := strings.Cut(r.rest, "\n")
	r.rest = rest
	if more {
		r.line++
	}
	return line
}

// skipBlanks reports whether there were any.
func (r *reader) skipBlanks() bool {
	trimmed := strings.TrimLeft(r.rest, " \t")
	skipped := len(trimmed) < len(r.rest)
	r.rest = trimmed
	return skipped
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// hasReference reports whether the value holds a $ that a name or a brace follows.
func hasReference(value string) bool {
	for i := range len(value) - 1 {
		next := value[i+1]
		letter := next == '_' || next|0x20 >= 'a' && next|0x20 <= 'z'
		if value[i] == '$' && (next == '{' || letter) {
			return true
		}
	}
	return false
}
