package dialect

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"berth/controller/printable"
)

const (
	maxTOMLDepth  = 16     // of tables and arrays in each other
	maxTOMLValues = 20_000 // of a whole file
	maxEscapes    = 64     // that are mended
)

// toml is a value of a TOML file with its line. Exactly one of the three forms is set:
// fields of a table, items of an array, else text.
type toml struct {
	line     int
	text     string
	isText   bool // it was written in quotes
	isArray  bool
	tables   bool // the array was written as [[name]]
	items    []*toml
	keys     []string // of fields, in their order
	fields   map[string]*toml
	declared bool // the table had a header of its own
	closed   bool // written as a whole: nothing is added from outside
}

func newTable(line int) *toml { return &toml{line: line, fields: make(map[string]*toml)} }

// field returns a field of a table. The field of nothing is nothing.
func (t *toml) field(name string) *toml {
	if t == nil || t.fields == nil {
		return nil
	}
	return t.fields[name]
}

func (t *toml) add(key string, value *toml) {
	t.keys = append(t.keys, key)
	t.fields[key] = value
}

// tomlReader reads the file with the library's parser, which keeps order and place. The
// library's decoder keeps neither.
type tomlReader struct {
	file   string
	data   []byte
	lines  []int // offsets at which lines begin
	parser unstable.Parser
	root   *toml
	at     *toml // the table that keys go to
	values int
	faults *faults
	broken bool // the table of the present header cannot be used
	mended []int
}

// readTOML reads the text. A backslash before a sign that TOML does not know is taken as
// it stands, because templates with them are common; mended are the lines of those.
func readTOML(file, text string, faults *faults) (root *toml, mended []int) {
	data := []byte(strings.TrimPrefix(text, "\ufeff")) // Windows editors write one
	for {
		r := &tomlReader{file: file, data: data, faults: faults, root: newTable(1), mended: mended}
		r.at, r.lines = r.root, beginsOfLines(data)
		before := len(faults.found)
		failed := r.read()
		if failed == nil {
			return r.root, r.mended
		}
		offset, ok := r.unknownEscape(failed)
		if !ok || len(mended) >= maxEscapes {
			line := r.lineOfError(failed)
			faults.found = faults.found[:before]
			faults.refuse(file, line, "The file cannot be read as TOML: "+printable.Replace(failed.Error(), '?')+".", "Correct the file and make the archive again.")
			return nil, nil
		}
		faults.found = faults.found[:before]
		mended = append(mended, r.line(offset))
		data = append(append(append([]byte(nil), data[:offset]...), '\\'), data[offset:]...)
	}
}

func (r *tomlReader) read() error {
	r.parser.Reset(r.data)
	for r.parser.NextExpression() {
		if err := r.take(r.parser.Expression()); err != nil {
			return err
		}
	}
	return r.parser.Error()
}

func (r *tomlReader) take(n *unstable.Node) error {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		r.header(n)
		return nil
	case unstable.KeyValue:
		if r.broken {
			return nil
		}
		return r.keyValue(r.at, n, 0)
	default:
		return nil
	}
}

// header opens the table of a line such as [config.env] or [[config.mounts]].
func (r *tomlReader) header(n *unstable.Node) {
	r.broken = true // until it is found to be good
	path, line := r.path(n.Key())
	at := r.below(r.root, path[:len(path)-1], line)
	if at == nil {
		return
	}
	name := path[len(path)-1]
	old := at.fields[name]
	if n.Kind == unstable.ArrayTable {
		if old == nil {
			old = &toml{line: line, isArray: true, tables: true}
			at.add(name, old)
		}
		// An empty array before it is against TOML, but harmless and seen.
		if !old.isArray || !old.tables && len(old.items) > 0 {
			r.twice(name, line, old.line)
			return
		}
		old.tables, r.at, r.broken = true, newTable(line), false
		old.items = append(old.items, r.at)
		return
	}
	if old == nil {
		old = newTable(line)
		at.add(name, old)
	} else if old.fields == nil || old.declared || old.closed {
		r.twice(name, line, old.line)
		return
	}
	old.declared, r.at, r.broken = true, old, false
}

func (r *tomlReader) twice(name string, line, first int) {
	r.faults.refuse(r.file, line, fmt.Sprintf("%.60q is in line %d already.", name, first), "Keep one of the two.")
}

// below finds the table at a path, and makes the tables on the way.
func (r *tomlReader) below(at *toml, path []string, line int) *toml {
	if len(path) > maxTOMLDepth {
		r.faults.refuse(r.file, line, "The tables are nested too deep.", "Write the template flatter.")
		return nil
	}
	for _, name := range path {
		next := at.fields[name]
		if next == nil {
			next = newTable(line)
			at.add(name, next)
		}
		if next.tables && len(next.items) > 0 {
			next = next.items[len(next.items)-1]
		}
		if next.fields == nil || next.closed {
			r.twice(name, line, next.line)
			return nil
		}
		at = next
	}
	return at
}

func (r *tomlReader) keyValue(at *toml, n *unstable.Node, depth int) error {
	path, line := r.path(n.Key())
	at = r.below(at, path[:len(path)-1], line)
	if at == nil {
		return nil
	}
	name := path[len(path)-1]
	if old := at.fields[name]; old != nil {
		r.twice(name, line, old.line)
		return nil
	}
	value, err := r.value(n.Value(), line, depth)
	if err == nil {
		at.add(name, value)
	}
	return err
}

var errTooMuch = errors.New("it holds too many values, or nests them too deep")

func (r *tomlReader) value(n *unstable.Node, line, depth int) (*toml, error) {
	if r.values++; r.values > maxTOMLValues || depth > maxTOMLDepth {
		return nil, errTooMuch
	}
	if n.Raw.Length > 0 {
		line = r.line(int(n.Raw.Offset))
	}
	switch n.Kind {
	case unstable.Array:
		array := &toml{line: line, isArray: true, closed: true}
		for children := n.Children(); children.Next(); {
			if children.Node().Kind == unstable.Comment {
				continue
			}
			item, err := r.value(children.Node(), line, depth+1)
			if err != nil {
				return nil, err
			}
			array.items = append(array.items, item)
		}
		return array, nil
	case unstable.InlineTable:
		table := newTable(line)
		for children := n.Children(); children.Next(); {
			if children.Node().Kind != unstable.KeyValue {
				continue
			}
			if err := r.keyValue(table, children.Node(), depth+1); err != nil {
				return nil, err
			}
		}
		table.closed = true
		return table, nil
	default:
		return &toml{line: line, text: string(n.Data), isText: n.Kind == unstable.String}, nil
	}
}

func (r *tomlReader) path(keys unstable.Iterator) (path []string, line int) {
	for keys.Next() {
		path = append(path, string(keys.Node().Data))
		if line == 0 {
			line = r.line(int(keys.Node().Raw.Offset))
		}
	}
	return path, line
}

func beginsOfLines(data []byte) []int {
	begins := []int{0}
	for i, c := range data {
		if c == '\n' {
			begins = append(begins, i+1)
		}
	}
	return begins
}

func (r *tomlReader) line(offset int) int {
	return sort.SearchInts(r.lines, offset+1)
}

func (r *tomlReader) lineOfError(err error) int {
	if failed, ok := errors.AsType[*unstable.ParserError](err); ok && len(failed.Highlight) > 0 {
		return r.line(int(r.parser.Range(failed.Highlight).Offset))
	}
	return 0
}

// unknownEscape finds the backslash that an error of the parser is about.
func (r *tomlReader) unknownEscape(err error) (offset int, ok bool) {
	failed, ok := errors.AsType[*unstable.ParserError](err)
	if !ok || len(failed.Highlight) == 0 || !strings.Contains(failed.Message, "escape") {
		return 0, false
	}
	offset = int(r.parser.Range(failed.Highlight).Offset)
	for _, at := range []int{offset, offset - 1} {
		if at >= 0 && r.data[at] == '\\' {
			return at, true
		}
	}
	return 0, false
}
