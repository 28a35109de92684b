package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The limits of a compose file. Each is far above real files, and low enough that every
// file takes only a moment to read.
const (
	MaxBytes    = 256 << 10
	maxDepth    = 32
	maxNodes    = 20_000 // with every alias and merge written out
	maxServices = 50
)

// node is a value of the file with every alias and merge resolved.
type node struct {
	line   int
	scalar any // string, int, float64, bool or nil; nil if the node is a list or a mapping
	text   string
	keys   []string         // in the order of the file
	fields map[string]*node // not nil for a mapping
	lines  map[string]int   // of each key
	items  []*node
	list   bool
}

// empty reports whether the node has no value at all.
func (n *node) empty() bool {
	return n.scalar == nil && len(n.fields) == 0 && len(n.items) == 0
}

func (n *node) isMapping() bool { return n.fields != nil }

// reader resolves YAML nodes, and counts the result of all files of one app.
type reader struct {
	nodes int
	open  map[*yaml.Node]bool // anchors being resolved now, to detect a circle
}

// parse returns the one document of text.
func (r *reader) parse(text []byte) (*node, error) {
	if len(text) > MaxBytes {
		return nil, refuse(0, fmt.Sprintf("The compose file is larger than %d KB.", MaxBytes>>10), "Move long texts into files of the archive, and name them under configs or env_file.")
	}
	if line := notText(text); line != 0 {
		return nil, refuse(line, "The compose file is not text in UTF-8.", "Save the file as UTF-8 text.")
	}
	document, err := decode(text)
	if err != nil {
		return nil, err
	}
	r.open = map[*yaml.Node]bool{}
	root, err := r.resolve(document.Content[0], 0)
	if err != nil {
		return nil, err
	}
	if !root.isMapping() {
		return nil, refuse(root.line, "The compose file is no mapping of keys to values.", "Begin it with the line \"services:\".")
	}
	return root, nil
}

// notText returns the first line that is not UTF-8, or 0.
func notText(text []byte) int {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return number
		}
	}
	return 0
}

func decode(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0 {
		return nil, refuse(0, "The compose file is empty.", "Write the app's services into it, or remove the file.")
	}
	if err != nil {
		return nil, refuseSyntax(err)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return &document, nil
	case err != nil:
		return nil, refuseSyntax(err)
	default:
		return nil, refuse(second.Line, "The compose file holds a second document.", "Keep one document in the file: remove the line \"---\" and join what it divides.")
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func refuseSyntax(err error) *Refusal {
	match := yamlLine.FindStringSubmatch(err.Error())
	line := 0
	if len(match) > 1 {
		line, _ = strconv.Atoi(match[1])
	}
	reason := sentence(yamlLine.ReplaceAllString(err.Error(), ""))
	return refuse(line, fmt.Sprintf("The compose file is not YAML: %s.", reason), "Correct the line; often a space of indentation or a quote is missing.")
}

// resolve returns the value of a YAML node with its aliases written out.
func (r *reader) resolve(from *yaml.Node, depth int) (*node, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, refuse(from.Line, fmt.Sprintf("The compose file holds more than %d values when its aliases are written out.", maxNodes), "Use fewer aliases of large blocks.")
	}
	if depth > maxDepth {
		return nil, refuse(from.Line, fmt.Sprintf("The compose file is nested more than %d levels deep.", maxDepth), "Write it flatter.")
	}
	if from.Kind == yaml.AliasNode {
		return r.resolveAlias(from, depth)
	}
	if !ordinaryTag(from.ShortTag()) {
		return nil, refuse(from.Line, fmt.Sprintf("The YAML tag %.40q cannot be used.", from.Tag), "Write the value itself, without a tag.")
	}
	switch from.Kind {
	case yaml.MappingNode:
		return r.resolveMapping(from, depth)
	case yaml.SequenceNode:
		return r.resolveList(from, depth)
	default:
		return resolveScalar(from)
	}
}

func ordinaryTag(tag string) bool {
	switch tag {
	case "!!str", "!!int", "!!bool", "!!float", "!!null", "!!timestamp", "!!map", "!!seq", "!!merge":
		return true
	default:
		return false
	}
}

func (r *reader) resolveAlias(from *yaml.Node, depth int) (*node, error) {
	if r.open[from.Alias] {
		return nil, refuse(from.Line, fmt.Sprintf("The alias %.40q stands within its own anchor.", from.Value), "Write the value out.")
	}
	r.open[from.Alias] = true
	defer delete(r.open, from.Alias)
	return r.resolve(from.Alias, depth+1)
}

func (r *reader) resolveList(from *yaml.Node, depth int) (*node, error) {
	list := &node{line: from.Line, list: true}
	for _, item := range from.Content {
		value, err := r.resolve(item, depth+1)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, value)
	}
	return list, nil
}

func (r *reader) resolveMapping(from *yaml.Node, depth int) (*node, error) {
	mapping := &node{line: from.Line, fields: map[string]*node{}, lines: map[string]int{}}
	var merges []*yaml.Node
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return nil, refuse(key.Line, fmt.Sprintf("The key %.40q is not text.", key.Value), "Put the key in quotes.")
		}
		if first, found := mapping.lines[key.Value]; found {
			return nil, refuse(key.Line, fmt.Sprintf("The key %.60q is there twice; the first is in line %d.", key.Value, first), "Remove one of the two.")
		}
		resolved, err := r.resolve(value, depth+1)
		if err != nil {
			return nil, err
		}
		mapping.add(key.Value, key.Line, resolved)
	}
	for _, merge := range merges {
		if err := r.merge(mapping, merge, depth); err != nil {
			return nil, err
		}
	}
	return mapping, nil
}

// merge adds the keys of the target of a "<<" that the mapping does not have.
func (r *reader) merge(mapping *node, from *yaml.Node, depth int) error {
	source, err := r.resolve(from, depth+1)
	if err != nil {
		return err
	}
	sources := []*node{source}
	if source.list {
		sources = source.items
	}
	for _, source := range sources {
		if !source.isMapping() {
			return refuse(from.Line, "What \"<<\" merges is not a mapping.", "Merge an anchor of a mapping, such as \"<<: *defaults\".")
		}
		for _, key := range source.keys {
			if mapping.fields[key] == nil {
				mapping.add(key, source.lines[key], source.fields[key])
			}
		}
	}
	return nil
}

func (n *node) add(key string, line int, value *node) {
	n.keys = append(n.keys, key)
	n.lines[key] = line
	n.fields[key] = value
}

func resolveScalar(from *yaml.Node) (*node, error) {
	scalar := &node{line: from.Line, text: from.Value}
	if from.ShortTag() == "!!timestamp" {
		scalar.scalar = from.Value
		return scalar, nil
	}
	err := from.Decode(&scalar.scalar)
	if number, ok := scalar.scalar.(float64); ok && (math.IsInf(number, 0) || math.IsNaN(number)) {
		err = errors.New("no number that JSON has")
	}
	if err != nil {
		return nil, refuse(from.Line, fmt.Sprintf("The value %.40q cannot be read.", from.Value), "Put the value in quotes.")
	}
	return scalar, nil
}

// value returns the node in the library's form, with a copy for each use.
func (n *node) value() any {
	switch {
	case n.isMapping():
		mapping := make(map[string]any, len(n.fields))
		for key, field := range n.fields {
			mapping[key] = field.value()
		}
		return mapping
	case n.list:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.value()
		}
		return list
	default:
		return n.scalar
	}
}
