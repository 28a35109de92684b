package planner

import (
	"path"
	"slices"

	"berth/controller/archive"
	"berth/controller/compose"
	"berth/controller/plan"
)

// overrides are files that other tools read together with the compose file.
var overrides = []string{"compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"}

// mostPrepared bounds the compose files of a tar.gz that one pass reads ahead.
const mostPrepared = 200

// folder returns the folder of the first compose file; empty means the archive's top.
func (c *composer) folder() string {
	if folder := path.Dir(c.paths[0]); folder != "." {
		return folder
	}
	return ""
}

// read loads the files with the app's variables, and references to its secrets.
func (c *composer) read() error {
	if err := c.tree.Prepare(c.ctx, c.paths); err != nil {
		return err
	}
	var texts []compose.Other
	for _, name := range c.paths {
		text, err := c.composeText(name)
		if err != nil {
			return err
		}
		texts = append(texts, compose.Other{Path: name, Text: text})
	}
	variables, err := c.allVariables()
	if err != nil {
		return err
	}
	c.file, err = compose.Read(texts[0].Text, compose.Options{
		Variables: variables, Profiles: c.options.Profiles, Path: c.paths[0], Others: texts[1:], Open: c.opener(),
	})
	return c.record(err)
}

// composeText returns a compose file of the archive. Its characters cannot pass for a
// reference to a secret.
func (c *composer) composeText(name string) ([]byte, error) {
	text, err := c.tree.ReadFile(c.ctx, name, compose.MaxBytes)
	if err != nil {
		return nil, err
	}
	if plan.RefersToSecret(string(text)) {
		return nil, &plan.Refusal{File: name, Reason: "The file holds characters of the private use area, which mean something else here.", Hint: "Remove the invisible characters."}
	}
	return text, nil
}

// opener returns composeText. For its first use it lets one pass of a tar.gz read every
// file that may be asked for.
func (c *composer) opener() func(string) ([]byte, error) {
	prepared := false
	return func(name string) ([]byte, error) {
		if !prepared {
			prepared = true
			if err := c.tree.Prepare(c.ctx, yamlFiles(c.tree)); err != nil {
				return nil, err
			}
		}
		return c.composeText(name)
	}
}

func yamlFiles(tree overlay) []string {
	var names []string
	for _, entry := range tree.Entries() {
		if ending := path.Ext(entry.Path); entry.Kind == archive.File && (ending == ".yaml" || ending == ".yml") && entry.Size <= compose.MaxBytes && len(names) < mostPrepared {
			names = append(names, entry.Path)
		}
	}
	return names
}

// noteUnread names the files beside the compose file that other tools would read.
func (c *composer) noteUnread() {
	for _, name := range overrides {
		name = path.Join(c.folder(), name)
		if _, found := c.tree.Entry(name); found && !slices.Contains(c.file.Paths, name) {
			c.note("%s was not read. What is meant for the server belongs into the one compose file.", name)
		}
	}
	if _, found := c.tree.Entry(c.dotenv()); found && !c.options.Dotenv {
		c.note("%s was not read. Paste what it holds into the app's variables, or choose to take its values.", c.dotenv())
	}
	if len(c.options.Compose) == 0 && c.folder() != "" {
		c.note("The app is that of %s: the top of the archive says nothing of an app.", c.paths[0])
	}
}
