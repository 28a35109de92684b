package dialect

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// dropNetwork takes a network out of the file: the proxy's own of the dialect.
func (c *composeFile) dropNetwork(name string, f *form) {
	before := c.changed
	for _, service := range c.services() {
		c.dropFrom(service.node, name)
	}
	if networks := get(c.root(), "networks"); networks != nil && networks.Kind == yaml.MappingNode && get(networks, name) != nil {
		c.dropFrom(c.root(), name)
	}
	if c.changed && !before {
		f.note("The network %s belongs to Dokploy, and was left out: the proxy reaches a service without it.", name)
	}
}

// dropFrom takes an entry out of the networks of a mapping, and the key with the last one.
func (c *composeFile) dropFrom(mapping *yaml.Node, name string) {
	networks, holder := find(mapping, "networks", make(map[*yaml.Node]bool))
	if networks == nil {
		return
	}
	before := len(networks.Content)
	switch networks.Kind {
	case yaml.MappingNode:
		c.removePair(networks, name)
	case yaml.SequenceNode:
		for _, item := range slices.Clone(networks.Content) {
			if item.Value == name {
				c.removeItem(networks, item)
			}
		}
	}
	if len(networks.Content) == 0 && before > 0 && networks.Anchor == "" {
		c.removePair(holder, "networks")
	}
}

// rewriteFiles turns ../files, where Dokploy puts a template's files, into a folder beside
// the compose file. A path that leads out of that folder is refused.
func (c *composeFile) rewriteFiles(f *form) {
	for _, scalar := range c.paths {
		source, _, _ := strings.Cut(scalar.Value, ":")
		if source != filesFolder && !strings.HasPrefix(source, filesFolder+"/") {
			continue
		}
		if slices.Contains(strings.Split(strings.TrimPrefix(source, filesFolder), "/"), "..") {
			f.faults.refuse(f.source.ComposeName, scalar.Line, "The path leads out of the template's folder.", `Write a path below ../files without "..".`)
			continue
		}
		c.replace(scalar, filesFolder, "./"+filesHere)
	}
}

// mounts reports whether the file mounts the file of that path, or a folder above it.
func (c *composeFile) mounts(path string) bool {
	for _, scalar := range c.paths {
		source, _, _ := strings.Cut(scalar.Value, ":")
		source = strings.TrimSuffix(source, "/")
		if source == path || source != filesFolder && strings.HasPrefix(path, source+"/") {
			return true
		}
	}
	return false
}

// sources are the scalars of the file that name a path on the host.
func (c *composeFile) sources() []*yaml.Node {
	var found []*yaml.Node
	seen := make(map[*yaml.Node]bool)
	add := func(n *yaml.Node) {
		if n = resolved(n); n != nil && n.Kind == yaml.ScalarNode && !seen[n] {
			seen[n] = true
			found = append(found, n)
		}
	}
	for _, service := range c.services() {
		for _, key := range []string{"volumes", "env_file"} {
			list := get(service.node, key)
			add(list)
			for _, item := range itemsOfNode(list) {
				add(item)
				add(get(item, "source"))
				add(get(item, "path"))
			}
		}
	}
	for _, key := range []string{"configs", "secrets"} {
		all := get(c.root(), key)
		if all == nil || all.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(all.Content); i += 2 {
			add(get(all.Content[i+1], "file"))
		}
	}
	return found
}

func itemsOfNode(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]*yaml.Node, 0, len(list.Content))
	for _, item := range list.Content {
		items = append(items, resolved(item))
	}
	return items
}
