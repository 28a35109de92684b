package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"berth/controller/compose"
	"berth/controller/plan"
)

// dotenvFile is the file that Compose itself reads beside a compose file.
const dotenvFile = ".env"

// dotenv returns the path of the .env beside the compose file.
func (c *composer) dotenv() string { return path.Join(c.folder(), dotenvFile) }

// readDotenv adds the variables of the archive's .env.
func (c *composer) readDotenv(to map[string]string) error {
	if _, found := c.tree.Entry(c.dotenv()); !found {
		return nil
	}
	text, err := c.tree.ReadFile(c.ctx, c.dotenv(), envFileBytes)
	if err != nil {
		return err
	}
	return c.parseEnv(to, c.dotenv(), text)
}

// asWritten shows references to secrets as the file has them.
func asWritten(text string) string {
	text = plan.SecretReferences.ReplaceAllString(text, "${$1}")
	return strings.NewReplacer(plan.ReferenceOpen, "", plan.ReferenceClose, "").Replace(text)
}

// lacksVariable reports whether the key at the path names a variable without a value. What
// is wrong with its text may follow from that.
func (c *composer) lacksVariable(key ...string) bool {
	file, line := c.file.Place(key...)
	return slices.ContainsFunc(c.file.Missing, func(m compose.Missing) bool { return m.File == file && m.Line == line })
}

// use is a key of a service that refers to secrets.
type use struct {
	key   string
	names []string
}

// openUses returns the keys of a service that refer to secrets, but for those that keep
// them secret.
func (c *composer) openUses(service string) []use {
	text, err := yaml.Marshal(c.file.Project.Services[service])
	if err != nil {
		return []use{{key: "a key", names: []string{"of the app"}}}
	}
	var keys map[string]any
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return []use{{key: "a key", names: []string{"of the app"}}}
	}
	var uses []use
	for key, value := range keys {
		if key == "environment" || key == "secrets" || key == "build" {
			continue // arguments of a build have words of their own
		}
		if names := referredIn(fmt.Sprint(value)); len(names) > 0 {
			uses = append(uses, use{key: key, names: names})
		}
	}
	slices.SortFunc(uses, func(a, b use) int { return strings.Compare(a.key, b.key) })
	return uses
}

// referredIn returns the names of the secrets that a text refers to, in order.
func referredIn(text string) []string {
	var names []string
	for _, match := range plan.SecretReferences.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
