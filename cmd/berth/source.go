//go:build linux && cgo

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// value is what a source says of one setting, and where, for messages.
type value struct {
	text   string
	origin string // "environment variable BERTH_HTTP_PORT"
}

// values is what one source says, by path. A path that ends in fileSuffix may
// name the file of a secret.
type values map[string]value

// readEnvironment takes the settings out of an environment of NAME=value. An
// empty variable counts as not set. It returns the variables that begin with
// BERTH_ and mean nothing, so that a slip of the pen can be pointed out; they
// are no error, because other programs and later versions may know them.
func readEnvironment(environment []string) (found values, unknown []string) {
	paths := variablePaths()
	found, names := values{}, map[string]string{}
	for _, entry := range environment {
		name, text, _ := strings.Cut(entry, "=")
		path, known := paths[name]
		switch {
		case text == "":
			continue
		case !known && strings.HasPrefix(name, "BERTH_") && !slices.Contains(foreignVariables, name):
			unknown = append(unknown, name)
		case known && (names[path] == "" || strings.HasPrefix(name, "BERTH_")): // our own name wins
			found[path], names[path] = value{text, "environment variable " + name}, name
		}
	}
	// Alone it is not ours: OpenSSL and Go take it for the trusted authorities.
	if names["ssl.cert.file"] == "SSL_CERT_FILE" && names["ssl.key.file"] == "" {
		delete(found, "ssl.cert.file")
	}
	slices.Sort(unknown)
	return found, unknown
}

// Variables that begin with BERTH_ and are not settings of the server: the
// scripts' own, and those of berth deploy.
var foreignVariables = []string{
	"BERTH_CONFIG", "BERTH_SSH_ADDRESS", "BERTH_CONTROLLER_ADDRESS", "BERTH_PAGES_ADDRESS", "BERTH_DOCKER_SOCKET", "BERTH_ENV_FILE",
	"BERTH_IMAGE", "BERTH_TRAEFIK_IMAGE", "BERTH_FENCE_BUILDS", "BERTH_BUILD_MEMORY", "BERTH_BUILD_PROCESSES",
	"BERTH_SERVER", "BERTH_TOKEN", "BERTH_TOKEN_FILE", "BERTH_CA_FILE", "BERTH_CONTEXT",
}

// variablePaths maps every variable that means something to the path it sets.
func variablePaths() map[string]string {
	paths := map[string]string{}
	for _, s := range listSettings() {
		for _, name := range s.variables() {
			paths[name] = s.path
			if s.secret {
				paths[name+"_FILE"] = s.path + fileSuffix
			}
		}
	}
	return paths
}

// readSettingsFile takes the settings out of a YAML file, whose nested keys make
// the path. A key that means nothing is an error.
func readSettingsFile(name string) (values, error) {
	content, err := readBounded(name)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("read settings %s: %w", name, err)
	}
	found := values{}
	if len(document.Content) == 0 {
		return found, nil
	}
	return found, (&settingsFile{name: name, known: listSettings(), found: found}).walk("", document.Content[0])
}

// settingsFile is the state of one reading.
type settingsFile struct {
	name  string
	known []setting
	found values
}

func (f *settingsFile) walk(path string, node *yaml.Node) error {
	switch {
	case node.Kind == yaml.MappingNode:
		return f.walkMapping(path, node)
	case path == "":
		return fmt.Errorf("%s: a file of settings has a key: value on each line", f.name)
	case node.Kind == yaml.SequenceNode:
		return f.addList(path, node)
	case node.Kind == yaml.ScalarNode:
		return f.add(path, node, node.Value)
	default:
		return fmt.Errorf("%s line %d: aliases are not supported", f.name, node.Line)
	}
}

func (f *settingsFile) walkMapping(path string, node *yaml.Node) error {
	var errs []error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := strings.ToLower(node.Content[i].Value)
		if path != "" {
			key = path + "." + key
		}
		errs = append(errs, f.walk(key, node.Content[i+1]))
	}
	return errors.Join(errs...)
}

func (f *settingsFile) addList(path string, node *yaml.Node) error {
	items := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("%s line %d: %s is a list of words", f.name, item.Line, path)
		}
		items = append(items, item.Value)
	}
	return f.add(path, node, strings.Join(items, ","))
}

func (f *settingsFile) add(path string, node *yaml.Node, text string) error {
	if !knownPath(f.known, path) {
		return fmt.Errorf("%s line %d: there is no setting %s%s", f.name, node.Line, path, alternatives(f.known, path))
	}
	if earlier, ok := f.found[path]; ok {
		return fmt.Errorf("%s line %d: %s is set already, by %s", f.name, node.Line, path, earlier.origin)
	}
	if node.Tag == "!!null" {
		return nil // "port:" with nothing behind it
	}
	f.found[path] = value{text, fmt.Sprintf("%s line %d, %s", f.name, node.Line, path)}
	return nil
}

func knownPath(list []setting, path string) bool {
	if s, ok := findSetting(list, strings.TrimSuffix(path, fileSuffix)); ok && s.secret {
		return true
	}
	_, ok := findSetting(list, path)
	return ok
}

// alternatives names the settings that a wrong path may have meant: those of
// the same first word, else the first words that there are.
func alternatives(list []setting, path string) string {
	first, _, _ := strings.Cut(path, ".")
	var same, words []string
	for _, s := range list {
		word, _, _ := strings.Cut(s.path, ".")
		if word == first {
			same = append(same, s.path)
		}
		words = append(words, word)
	}
	if len(same) > 0 {
		return "; there are " + strings.Join(same, ", ")
	}
	return "; it would begin with one of " + strings.Join(slices.Compact(words), ", ")
}

// resolveSecrets replaces the paths of files by what the files hold, without
// the line end that editors leave.
func (v values) resolveSecrets(list []setting) error {
	for _, s := range list {
		file, ok := v[s.path+fileSuffix]
		if !s.secret || !ok {
			continue
		}
		if plain, ok := v[s.path]; ok {
			return fmt.Errorf("%s and %s say the same thing: set one of the two", plain.origin, file.origin)
		}
		content, err := readBounded(file.text)
		if err != nil {
			return fmt.Errorf("%s: %w", file.origin, err)
		}
		text := strings.TrimRight(string(content), "\r\n")
		if text == "" {
			return fmt.Errorf("%s: %s is empty", file.origin, file.text)
		}
		delete(v, s.path+fileSuffix)
		v[s.path] = value{text, file.origin}
	}
	return nil
}
