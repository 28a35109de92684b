package compose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"berth/controller/printable"
	"berth/controller/problem"
)

// placeBytes is how much of a place a refusal shows.
const placeBytes = 120

// checker walks a file against the table of keys, and stores the line of each key.
type checker struct {
	file  string // its path in the archive
	noted bool   // notes name the file
	table map[string]Key
	lines map[string]int // path with names and numbers, by dots -> line
	notes []string
	// faults are the refused keys. They are taken out of the file, so that the rest of it
	// can be checked too.
	faults  problem.Refusals
	removed []string // the places of these keys
}

func newChecker(file string) *checker {
	return &checker{file: file, table: table(), lines: map[string]int{}}
}

// table returns the table of keys by path.
var table = sync.OnceValue(func() map[string]Key {
	table := make(map[string]Key, len(keys))
	for _, key := range keys {
		table[key.Path] = key
	}
	return table
})

// checkService checks one service of a file, as the walk of the file would.
func (c *checker) checkService(services *node, name string) {
	place := join("services", name)
	if _, checked := c.lines[place]; checked {
		return
	}
	c.lines[place] = services.lines[name]
	c.walk(services.fields[name], "services.*", place)
}

// walk removes from a node what is refused, and what only documents it for people. pattern is its path in the table, and place its path
// in the file.
func (c *checker) walk(n *node, pattern, place string) {
	for i, item := range n.items {
		at := join(place, strconv.Itoa(i))
		c.lines[at] = item.line
		c.walk(item, join(pattern, "[]"), at)
	}
	_, named := c.table[join(pattern, "*")]
	for _, key := range slices.Clone(n.keys) {
		at := join(place, key)
		c.lines[at] = n.lines[key]
		if named {
			c.walk(n.fields[key], join(pattern, "*"), at)
			continue
		}
		c.checkKey(n, key, join(pattern, key), at)
	}
}

// checkKey looks up one key of a mapping in the table.
func (c *checker) checkKey(n *node, key, pattern, place string) {
	known, found := c.table[pattern]
	if strings.HasPrefix(key, "x-") && !found {
		n.remove(key)
		return
	}
	if !found {
		c.refuse(n, key, place, fmt.Sprintf("The key %.60q is not one of the compose specification here (%s).", key, printable.Replace(place[:min(len(place), placeBytes)], '?')), c.nearest(pattern))
		return
	}
	value := n.fields[key]
	harmless := value.scalar != nil && slices.Contains(known.Unless, value.text)
	switch {
	case known.Support == Supported:
		c.walk(value, pattern, place)
	case harmless || value.empty():
		n.remove(key)
	case known.Support == Noted && c.judge(n, key, pattern, place):
	case known.Support == Noted:
		c.notes = append(c.notes, c.at(n.lines[key])+fmt.Sprintf(": %s has no effect. %s", key, known.Text))
		n.remove(key)
	default:
		c.refuse(n, key, place, fmt.Sprintf("%s cannot be used. %s", key, known.Text), known.Instead)
	}
}

// at names a line, and the file if it is not the app's only one.
func (c *checker) at(line int) string {
	if c.noted {
		return fmt.Sprintf("%s, line %d", c.file, line)
	}
	return fmt.Sprintf("Line %d", line)
}

// refuse records the fault of a key, and removes the key.
func (c *checker) refuse(n *node, key, place, reason, hint string) {
	c.faults = append(c.faults, &Refusal{File: c.file, Line: n.lines[key], Reason: reason, Hint: hint})
	c.removed = append(c.removed, place)
	n.remove(key)
}

// nearest names the supported keys of the same mapping with a similar name.
func (c *checker) nearest(pattern string) string {
	at := strings.LastIndexByte(pattern, '.')
	above, wrong := pattern[:at+1], pattern[at+1:]
	var alike []string
	for _, key := range keys {
		name, found := strings.CutPrefix(key.Path, above)
		if found && key.Support == Supported && !strings.Contains(name, ".") && similar(name, wrong) {
			alike = append(alike, strconv.Quote(name))
		}
	}
	if len(alike) == 0 {
		return "Remove it, or correct its name or its indentation."
	}
	return "Did you mean " + strings.Join(alike, " or ") + "? Else remove it."
}

// similar reports whether two words differ by one typing error.
func similar(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	j := 0
	for j < len(a)-i && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	return len(b)-i-j <= 2 // one letter more, one different, or two swapped
}

func (n *node) remove(key string) {
	delete(n.fields, key)
	n.keys = slices.DeleteFunc(n.keys, func(k string) bool { return k == key })
}

func joinAll(path []string) string { return strings.Join(path, ".") }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
