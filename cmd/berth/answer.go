package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"berth/controller/printable"
)

// show prints the last answer as it came, where --json is, and else as plain does.
func (p *program) show(api *client, plain func() error) error {
	if api.json {
		return p.printJSON(api.last)
	}
	return plain()
}

// printJSON prints an answer with its lines indented. What is no JSON is printed as it is.
func (p *program) printJSON(answer []byte) error {
	var out bytes.Buffer
	if json.Indent(&out, bytes.TrimSpace(answer), "", "  ") != nil {
		_, err := p.stdout.Write(answer)
		return err
	}
	if out.Len() == 0 {
		return nil
	}
	_, err := fmt.Fprintln(p.stdout, out.String())
	return err
}

// printList prints the list that an answer holds as a table of some fields.
func (p *program) printList(answer json.RawMessage, list string, columns []string) error {
	var holds map[string]json.RawMessage
	var things []map[string]any
	err := json.Unmarshal(answer, &holds)
	if err == nil {
		err = json.Unmarshal(holds[list], &things)
	}
	if err != nil {
		return unreachable(fmt.Errorf("read answer: %w", err))
	}
	head := make([]string, 0, len(columns))
	for _, column := range columns {
		head = append(head, strings.ToUpper(strings.ReplaceAll(column, "_", " ")))
	}
	rows := [][]string{head}
	for _, thing := range things {
		row := make([]string, 0, len(columns))
		for _, column := range columns {
			row = append(row, cell(thing[column]))
		}
		rows = append(rows, row)
	}
	return p.printRows(rows)
}

// cell is a value in one line of a table.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return "-"
	case string:
		return printable.Replace(v, '\uFFFD')
	case []any:
		parts := make([]string, 0, len(v))
		for _, one := range v {
			parts = append(parts, cell(one))
		}
		return strings.Join(parts, ", ")
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.0f", v), ".")
	default:
		text, _ := json.Marshal(v) // it was JSON
		return printable.Replace(string(text), '\uFFFD')
	}
}

// printThing prints one thing: a line for each field, in the order of the answer, and
// what is inside of another with both names.
func (p *program) printThing(answer json.RawMessage) error {
	var rows [][]string
	if err := flatten("", answer, &rows); err != nil {
		return unreachable(fmt.Errorf("read answer: %w", err))
	}
	return p.printRows(rows)
}

// flatten adds the fields of an object. A list of objects stays JSON, in one line each.
func flatten(prefix string, answer json.RawMessage, rows *[][]string) error {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return errors.Join(err, errors.New("it is no object"))
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		path := prefix + printable.Replace(fmt.Sprint(name), '\uFFFD')
		if strings.HasPrefix(string(value), "{") {
			if err := flatten(path+".", value, rows); err != nil {
				return err
			}
			continue
		}
		var plain any
		if err := json.Unmarshal(value, &plain); err != nil {
			return err
		}
		*rows = append(*rows, []string{path, cell(plain)})
	}
	return nil
}

// printRows prints columns as wide as they need, two blanks apart, with states in colour.
func (p *program) printRows(rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	colours := p.hasColour()
	var out strings.Builder
	for _, row := range rows {
		for i, text := range row {
			shown := text
			if colours {
				shown = paint(text)
			}
			out.WriteString(shown)
			if i < len(row)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
			}
		}
		out.WriteByte('\n')
	}
	_, err := io.WriteString(p.stdout, out.String())
	return err
}

// hasColour reports whether a person looks who has not said that they want none.
func (p *program) hasColour() bool {
	file, ok := p.stdout.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && p.variable("NO_COLOR") == "" && p.variable("TERM") != "dumb"
}

// paint gives the words of a state a colour.
func paint(text string) string {
	const green, yellow, red = "\x1b[32m", "\x1b[33m", "\x1b[31m"
	colour := map[string]string{
		"running": green, "live": green, "done": green, "active": green,
		"queued": yellow, "building": yellow, "starting": yellow, "verifying": yellow, "unhealthy": yellow, "stopped": yellow,
		"failed": red, "cancelled": red, "crashed": red, "gone": red,
	}[text]
	if colour == "" {
		return text
	}
	return colour + text + "\x1b[0m"
}
