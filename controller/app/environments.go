package app

import (
	"fmt"
	"strings"
)

// Summary names the changed variables, and never a value.
func (c EnvironmentChange) Summary() string {
	var variables, secrets []string
	for _, wish := range c.Set {
		if wish.Secret {
			secrets = append(secrets, wish.Name)
			continue
		}
		variables = append(variables, wish.Name)
	}
	var parts []string
	if c.Replace {
		parts = append(parts, "replaced all")
	}
	for _, part := range []struct {
		verb  string
		names []string
	}{{"set", variables}, {"set secret", secrets}, {"kept secret", c.Keep}, {"removed", c.Remove}} {
		if len(part.names) > 0 {
			parts = append(parts, part.verb+" "+NameList(part.names))
		}
	}
	return strings.Join(parts, "; ")
}

// NameList returns a few names and the number of the others.
func NameList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
