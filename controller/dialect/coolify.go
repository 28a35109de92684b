package dialect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// importCoolify reads a compose file with Coolify's header, variables and keys. A file
// with none of them, or one that is no YAML, comes back as it is: the planner says the rest.
func (f *form) importCoolify() {
	f.Compose = f.source.Compose
	f.compose = readCompose(f.source.Compose)
	if f.compose.failed != nil {
		return
	}
	header := f.header()
	m := &magic{form: f, sure: header.found, declared: make(map[string][]int)}
	m.declarations()
	m.references()
	m.routesByName()
	f.coolifyKeys()
	if f.compose.changed || len(m.names) > 0 {
		f.Dialect = Coolify
	}
	if f.Dialect == Plain && !header.found {
		return
	}
	f.Dialect, f.Slogan, f.Documentation = Coolify, header.slogan, header.documentation
	if f.Port == 0 {
		f.Port = header.port
		if len(f.Routes) > 0 {
			f.Routes[0].Port = header.port
		}
	}
	if f.compose.changed {
		f.Compose = f.compose.plain(f)
	}
}

// header is what the comments at the top say.
type header struct {
	found                 bool
	slogan, documentation string
	port                  uint16
}

var headerLine = regexp.MustCompile(`^#\s*(documentation|slogan|port|category|tags|logo|minversion):\s*(.*?)\s*$`)

// header reads the comments before the first key. Nothing but documentation and slogan
// tells the dialect: people write "# port: 80" into any file.
func (f *form) header() header {
	var found header
	const most = 300
	for _, line := range f.compose.lines {
		line = strings.TrimSuffix(line, "\r")
		if line != "" && !strings.HasPrefix(line, "#") {
			break
		}
		match := headerLine.FindStringSubmatch(line)
		if len(match) == 0 || len(match[2]) > most {
			continue
		}
		switch match[1] {
		case "documentation":
			found.found = true
			if strings.HasPrefix(match[2], "https://") || strings.HasPrefix(match[2], "http://") {
				found.documentation = match[2]
			}
		case "slogan":
			found.found, found.slogan = true, match[2]
		case "port":
			if port, err := strconv.ParseUint(match[2], 10, 16); err == nil {
				found.port = uint16(port)
			}
		}
	}
	return found
}

// magic reads the variables that Coolify makes.
type magic struct {
	form     *form
	sure     bool             // the header says that the file is Coolify's
	names    []string         // of variables that the file uses, in order, once each
	lines    []int            // of names
	declared map[string][]int // SERVICE_FQDN_X and SERVICE_URL_X by X -> numbers of routes
}

var addressName = regexp.MustCompile(`^SERVICE_(?:FQDN|URL)_([A-Za-z0-9_]*?[A-Za-z0-9])(?:_([0-9]{1,5}))?$`)

// declarations takes the addresses out of the environments: SERVICE_FQDN_X_3000 alone or
// with a path says that its service wants a route.
func (m *magic) declarations() {
	seen := make(map[*yaml.Node]bool)
	for _, service := range m.form.compose.services() {
		environment, holder := find(service.node, "environment", make(map[*yaml.Node]bool))
		if environment == nil || seen[environment] {
			continue
		}
		seen[environment] = true
		before := len(environment.Content)
		switch environment.Kind {
		case yaml.SequenceNode:
			for _, item := range slices.Clone(environment.Content) {
				name, value, _ := strings.Cut(resolved(item).Value, "=")
				if m.declaration(service.name, name, value, item.Line) {
					m.form.compose.removeItem(environment, item)
				}
			}
		case yaml.MappingNode:
			for i := len(environment.Content) - 2; i >= 0; i -= 2 {
				name, value := environment.Content[i], resolved(environment.Content[i+1])
				if value.Kind == yaml.ScalarNode && m.declaration(service.name, name.Value, scalarText(value), name.Line) {
					m.form.compose.removePair(environment, name.Value)
				}
			}
		}
		if before > 0 && len(environment.Content) == 0 && environment.Anchor == "" {
			m.form.compose.removePair(holder, "environment")
		}
	}
}

func scalarText(n *yaml.Node) string {
	if n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

func (m *magic) declaration(service, name, value string, line int) bool {
	match := addressName.FindStringSubmatch(name)
	if match == nil || value != "" && !strings.HasPrefix(value, "/") {
		return false
	}
	f := m.form
	if len(f.Routes) >= maxRoutes {
		f.faults.refuse(f.source.ComposeName, line, fmt.Sprintf("The file asks for more than %d routes.", maxRoutes), "Remove some.")
		return true
	}
	of, port := address(match)
	path := "/"
	if value != "" {
		path = f.path(f.source.ComposeName, value, line)
	}
	m.declared[of] = append(m.declared[of], len(f.Routes))
	f.addRoute(Route{Service: service, Port: port, Path: path, Host: m.host(of), Line: line})
	return true
}

// address is the name and the port of an address. A number that is no port belongs to the name.
func address(match []string) (of string, port uint16) {
	if match[2] == "" {
		return match[1], 0
	}
	number, err := strconv.ParseUint(match[2], 10, 16)
	if err != nil || number == 0 {
		return match[1] + "_" + match[2], 0
	}
	return match[1], uint16(number)
}

func (m *magic) host(of string) Text {
	return m.form.shared(Blank{Name: "SERVICE_FQDN_" + of, Generator: Generator{Kind: KindHost}})
}

// magicReference is a variable of Coolify in a text of the file. Two dollars are one
// dollar, and no variable.
var magicReference = regexp.MustCompile(`\$\$|\$\{?(SERVICE_[A-Za-z0-9_]+)`)

// references makes a variable of each that the file names, and leaves the names in the
// file: ${SERVICE_PASSWORD_DB} is plain compose when the app has that variable.
func (m *magic) references() {
	m.walk(m.form.compose.root(), 0)
	for _, service := range m.form.compose.services() {
		environment := get(service.node, "environment")
		for _, item := range itemsOfNode(environment) {
			m.found(item.Value, item.Line) // the name alone: the value comes from the app
		}
		if environment != nil && environment.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(environment.Content); i += 2 {
				if environment.Content[i+1].ShortTag() == "!!null" {
					m.found(environment.Content[i].Value, environment.Content[i].Line)
				}
			}
		}
	}
	for i, name := range m.names {
		m.form.Variables = append(m.form.Variables, m.variable(name, m.lines[i]))
	}
}

// walk looks at each scalar where it stands; an alias has been seen at its anchor. The
// content of a file is no text of compose.
func (m *magic) walk(n *yaml.Node, depth int) {
	if depth > maxWalk {
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		for _, match := range magicReference.FindAllStringSubmatch(n.Value, -1) {
			m.found(match[1], n.Line)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != "content" {
				m.walk(n.Content[i+1], depth+1)
			}
		}
	default:
		for _, item := range n.Content {
			m.walk(item, depth+1)
		}
	}
}

func (m *magic) found(name string, line int) {
	if slices.Contains(m.names, name) || !m.known(name) {
		return
	}
	if len(m.names) == maxBlanks/2 {
		m.form.faults.refuse(m.form.source.ComposeName, line, fmt.Sprintf("The file names more than %d variables that Coolify makes.", maxBlanks/2), "Name fewer.")
	}
	if len(m.names) < maxBlanks/2 {
		m.names, m.lines = append(m.names, name), append(m.lines, line)
	}
}
