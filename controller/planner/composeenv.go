package planner

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"

	"berth/controller/plan"
)

const (
	envFileBytes   = 64 << 10
	mostEnvReplace = 1 << 20 // bytes of a file's references to variables, after replacing
)

var (
	definedName  = regexp.MustCompile(`(?m)^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]`)
	referredName = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
	variableName = regexp.MustCompile(`^[^=\x00\s]+$`)
)

// environment joins the env files with the file's own variables, which win.
func (c *composer) environment(to *plan.Service, from types.ServiceConfig) error {
	joined := map[string]string{}
	for i, file := range from.EnvFiles {
		if err := c.readEnvFile(joined, file, "services", from.Name, "env_file", strconv.Itoa(i)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from.Environment)) {
		value := from.Environment[name]
		if value == nil {
			delete(joined, name)
			c.note("The variable %.60s of %s has no value in the app, so it is not set.", name, from.Name)
			continue
		}
		joined[name] = *value
	}
	for _, name := range slices.Sorted(maps.Keys(joined)) {
		if !variableName.MatchString(name) || strings.ContainsRune(joined[name], 0) {
			return c.refuse(fmt.Sprintf("%.60q is not the name of an environment variable.", name), "Write each variable as NAME: value.", "services", from.Name, "environment")
		}
		to.Environment = append(to.Environment, name+"="+joined[name])
	}
	return nil
}

// readEnvFile adds the variables of a file in the archive.
func (c *composer) readEnvFile(to map[string]string, file types.EnvFile, place ...string) error {
	inArchive, err := c.archivePath(file.Path, "The env_file", place...)
	if err != nil {
		return err
	}
	if _, found := c.tree.Entry(inArchive); !found {
		c.standIn(to, inArchive, place...)
		return nil
	}
	text, err := c.tree.ReadFile(c.ctx, inArchive, envFileBytes)
	if err != nil {
		return err
	}
	if !utf8.Valid(text) || plan.RefersToSecret(string(text)) && !c.tree.holdsSecret(inArchive) {
		return &plan.Refusal{File: inArchive, Reason: "The file is not plain text in UTF-8.", Hint: "Save the file as UTF-8 text, with a NAME=value on each line."}
	}
	switch file.Format {
	case "":
		return c.parseEnv(to, inArchive, text)
	case "raw":
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), "="); found {
				to[name] = value
			}
		}
		return nil
	default:
		return c.refuse(fmt.Sprintf("%.40q is not a format of env files.", file.Format), "Remove format, or write raw.", place...)
	}
}

// standIn gives a service the app's variables in place of an env_file that the archive
// does not hold, as most do not: such files hold secrets.
func (c *composer) standIn(to map[string]string, name string, place ...string) {
	given, _ := c.variables()
	for variable, value := range given {
		to[variable] = value
	}
	c.note("The env_file %.200s is not in the archive: %s gets the app's variables instead.", name, place[1])
}

// parseEnv reads the usual format. It bounds references first: values that refer to
// each other could double with every line.
func (c *composer) parseEnv(to map[string]string, name string, text []byte) error {
	defined := map[string]bool{}
	for _, match := range definedName.FindAllSubmatch(text, -1) {
		defined[string(match[1])] = true
	}
	for _, match := range referredName.FindAllSubmatchIndex(text, -1) {
		referred := string(text[match[2]:match[3]])
		if _, before := to[referred]; defined[referred] || before {
			return &plan.Refusal{
				File: name, Line: 1 + bytes.Count(text[:match[0]], []byte("\n")),
				Reason: fmt.Sprintf("The value refers to %.60s, which an env_file sets itself.", referred),
				Hint:   "Write the value out; a dollar sign that means itself is written as \\$.",
			}
		}
	}
	variables, longest := c.variables()
	if bytes.Count(text, []byte("$"))*(longest+len(text)) > mostEnvReplace*64 {
		return &plan.Refusal{File: name, Reason: "The file refers to variables too often.", Hint: "Write the values out."}
	}
	parsed, err := dotenv.ParseWithLookup(bytes.NewReader(text), func(name string) (string, bool) {
		value, found := variables[name]
		return value, found
	})
	if err != nil {
		return &plan.Refusal{File: name, Reason: "The file cannot be read as lines of NAME=value.", Hint: "Correct it; values with spaces or # stand in quotes."}
	}
	maps.Copy(to, parsed)
	return nil
}

// variables returns the variables that the files may refer to, and the length of the
// longest.
func (c *composer) variables() (values map[string]string, longest int) {
	values = map[string]string{}
	for _, variable := range c.options.Environment {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
		longest = max(longest, len(value))
	}
	for _, name := range c.options.Secrets {
		values[name] = plan.SecretReference(name)
	}
	return values, longest
}
