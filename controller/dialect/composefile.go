package dialect

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxWalk     = 64  // levels of a file that are compared
	maxServices = 200 // of a file that are read; the planner takes fewer
)

// composeFile is a compose file that is rewritten. Each change is made in the tree, which
// is the truth, and in the text, which keeps the lines. Where the changed text does not
// read as the tree, the tree is written out instead.
type composeFile struct {
	text     string
	lines    []string
	document yaml.Node
	failed   error
	changed  bool
	untidy   bool         // the text could not follow a change
	paths    []*yaml.Node // the scalars that name a path on the host
}

// service is a service of the file.
type service struct {
	name string
	node *yaml.Node // a mapping
}

func readCompose(text string) *composeFile {
	c := &composeFile{text: text, lines: strings.Split(text, "\n")}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	if c.failed = decoder.Decode(&c.document); errors.Is(c.failed, io.EOF) {
		c.failed = nil // the file is empty
		return c
	}
	if c.failed == nil && !errors.Is(decoder.Decode(new(yaml.Node)), io.EOF) {
		c.failed = errors.New("it holds more than one document")
	}
	if c.failed == nil {
		c.paths = c.sources()
	}
	return c
}

var lineOfYAML = regexp.MustCompile(`line (\d+)`)

func (c *composeFile) failedLine() int {
	match := lineOfYAML.FindStringSubmatch(c.failed.Error())
	if match == nil {
		return 0
	}
	line, err := strconv.Atoi(match[1])
	if errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return line
}

func (c *composeFile) root() *yaml.Node {
	if len(c.document.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return resolved(c.document.Content[0])
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// get is the value of a key of a mapping, or of what the mapping merges.
func get(mapping *yaml.Node, key string) *yaml.Node {
	value, _ := find(mapping, key, make(map[*yaml.Node]bool))
	return value
}

// find returns the value of a key, and the mapping that holds it itself. It looks at no
// mapping twice, however often the file merges it.
func find(mapping *yaml.Node, key string, seen map[*yaml.Node]bool) (value, holder *yaml.Node) {
	mapping = resolved(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode || seen[mapping] {
		return nil, nil
	}
	seen[mapping] = true
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return resolved(mapping.Content[i+1]), mapping
		}
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != "<<" {
			continue
		}
		merged := resolved(mapping.Content[i+1])
		if merged.Kind != yaml.SequenceNode {
			merged = &yaml.Node{Content: []*yaml.Node{merged}}
		}
		for _, one := range merged.Content {
			if value, holder := find(one, key, seen); value != nil {
				return value, holder
			}
		}
	}
	return nil, nil
}

func (c *composeFile) services() []service {
	var found []service
	services := get(c.root(), "services")
	if services == nil || services.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(services.Content) && len(found) < maxServices; i += 2 {
		if node := resolved(services.Content[i+1]); node.Kind == yaml.MappingNode && services.Content[i].Value != "<<" {
			found = append(found, service{name: services.Content[i].Value, node: node})
		}
	}
	return found
}

func (c *composeFile) has(name string) bool {
	for _, service := range c.services() {
		if service.name == name {
			return true
		}
	}
	return false
}

// removePair takes a key out of the mapping that holds it.
func (c *composeFile) removePair(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		name := mapping.Content[i]
		if name.Value != key {
			continue
		}
		c.changed = true
		sequence := mapping.Content[i+1].Kind == yaml.SequenceNode
		c.blankOut(mapping, name, strings.Repeat(" ", name.Column-1), sequence)
		mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
		return
	}
}

// removeItem takes an item out of a list.
func (c *composeFile) removeItem(list *yaml.Node, item *yaml.Node) {
	for i, other := range list.Content {
		if other != item {
			continue
		}
		c.changed = true
		c.blankOut(list, item, strings.Repeat(" ", list.Column-1)+"-", false)
		list.Content = append(list.Content[:i:i], list.Content[i+1:]...)
		return
	}
}

// blankOut empties the lines of a node that begins a line after before, and what is
// indented deeper below it. A list may stand as deep as its key.
func (c *composeFile) blankOut(parent, n *yaml.Node, before string, list bool) {
	at := n.Line - 1
	if parent.Style&yaml.FlowStyle != 0 || at < 0 || at >= len(c.lines) || !strings.HasPrefix(c.lines[at], before) {
		c.untidy = true
		return
	}
	indent := strings.TrimSuffix(before, "-")
	last := at
	for i := at + 1; i < len(c.lines); i++ {
		rest, deeper := strings.CutPrefix(strings.TrimSuffix(c.lines[i], "\r"), indent)
		switch {
		case strings.TrimSpace(c.lines[i]) == "":
			continue
		case deeper && (strings.HasPrefix(rest, " ") || list && strings.HasPrefix(rest, "- ")):
			last = i
			continue
		}
		break
	}
	for i := at; i <= last; i++ {
		c.lines[i] = ""
	}
}

// replace changes the beginning of a scalar.
func (c *composeFile) replace(scalar *yaml.Node, before, after string) {
	c.changed = true
	scalar.Value = after + strings.TrimPrefix(scalar.Value, before)
	at := scalar.Line - 1
	if at < 0 || at >= len(c.lines) {
		c.untidy = true
		return
	}
	signs := []rune(c.lines[at])
	if scalar.Column < 1 || scalar.Column > len(signs) {
		c.untidy = true
		return
	}
	head, tail := string(signs[:scalar.Column-1]), string(signs[scalar.Column-1:])
	if i := strings.Index(tail, before); i >= 0 && i <= 1 {
		c.lines[at] = head + tail[:i] + after + tail[i+len(before):]
		return
	}
	c.untidy = true
}

// plain is the text with all changes.
func (c *composeFile) plain(f *form) string {
	if !c.changed {
		return c.text
	}
	if !c.untidy {
		text := strings.Join(c.lines, "\n")
		var again yaml.Node
		if yaml.Unmarshal([]byte(text), &again) == nil && same(&again, &c.document, 0) {
			return text
		}
	}
	writeNulls(&c.document, 0)
	var again yaml.Node
	written, err := yaml.Marshal(&c.document)
	if err == nil {
		err = yaml.Unmarshal(written, &again) // an alias can have lost its anchor
	}
	if err != nil || !same(&again, &c.document, 0) {
		f.faults.refuse(f.source.ComposeName, 0, "The file cannot be written as plain compose.", "Remove anchors: they hide keys of the template.")
		return ""
	}
	f.note("The compose file was written anew, so lines in messages are those of the new text.")
	return string(written)
}

// writeNulls gives nulls that are written as nothing their word. In {a: } the library would
// write them as empty texts.
func writeNulls(n *yaml.Node, depth int) {
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.ShortTag() == "!!null" {
		n.Value = "null"
	}
	for _, item := range n.Content {
		if depth < maxWalk {
			writeNulls(item, depth+1)
		}
	}
}

// same reports whether two trees mean the same, wherever they stand.
func same(a, b *yaml.Node, depth int) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content) || depth > maxWalk {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i], depth+1) {
			return false
		}
	}
	return true
}
