package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"berth/controller/app"
)

// envTimeout bounds what berth env waits for: to apply variables may take a build.
const envTimeout = defaultDeployTime

// environmentAnswer is what the API says of an environment, as far as it is needed here.
type environmentAnswer struct {
	Variables map[string]string `json:"variables"`
	Secrets   []string          `json:"secrets"`
	Build     []string          `json:"build"`
	Unapplied struct {
		Added   []string `json:"added"`
		Changed []string `json:"changed"`
		Removed []string `json:"removed"`
	} `json:"unapplied"`
	Warnings map[string]string `json:"warnings"`
}

// environmentChange is what the API takes. Values of secrets are in the clear here.
type environmentChange struct {
	Variables map[string]string `json:"variables,omitempty"`
	Secrets   map[string]string `json:"secrets,omitempty"`
	Remove    []string          `json:"remove,omitempty"`
	Build     *[]string         `json:"build,omitempty"` // those of Variables that builds get; nil leaves each as it is
}

// runEnv shows, changes and applies the environment of an app.
func runEnv(ctx context.Context, p *program, args []string) error {
	flags := newFlags("env")
	line := p.addLineFlags(flags)
	file := flags.String("file", standardInput, "with set-secret: where the value is read from; one newline at its end is dropped")
	shown := flags.Bool("variables", false, "with import: save variables, which are shown, instead of secrets")
	build := flags.Bool("build", false, "with set: builds get the variables too, as arguments; --build=false takes the mark away")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return &usageError{errors.New("berth env takes the name of an app and what to do; see berth help env")}
	}
	name, err := app.ParseName(words[0])
	if err != nil {
		return &usageError{err}
	}
	change, err := environmentChangeOf(words[1], words[2:], envFiles{secret: *file, shown: *shown})
	if err != nil {
		return err
	}
	if err := change.mark(words[1], flags, *build); err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, envTimeout)
	defer cancel()
	switch words[1] {
	case "apply":
		return p.applyEnvironment(ctx, api, name)
	case "list":
		return p.sendEnvironment(ctx, api, name, http.MethodGet, nil)
	default:
		return p.sendEnvironment(ctx, api, name, http.MethodPatch, change)
	}
}

// mark says of the variables whether builds get them, where the flag stands there.
func (c *environmentChange) mark(verb string, flags *flag.FlagSet, build bool) error {
	given := false
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == "build" })
	if !given {
		return nil
	}
	if verb != "set" {
		return &usageError{errors.New("--build goes with berth env set; a secret reaches a build by RUN --mount=type=secret,id=NAME")}
	}
	names := []string{}
	if build {
		names = slices.Sorted(maps.Keys(c.Variables))
	}
	c.Build = &names
	return nil
}

// envFiles is what the flags of berth env say of files.
type envFiles struct {
	secret string // of set-secret
	shown  bool   // what is imported is no secret
}

// environmentChangeOf is what a verb and its words ask for; empty for list and apply.
func environmentChangeOf(verb string, words []string, files envFiles) (*environmentChange, error) {
	wrong := func(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }
	one := func() error {
		if len(words) != 1 {
			return wrong("berth env %s takes one word; see berth help env", verb)
		}
		return nil
	}
	change := &environmentChange{Variables: map[string]string{}, Secrets: map[string]string{}}
	switch verb {
	case "list", "apply":
		if len(words) > 0 {
			return nil, wrong("berth env %s takes nothing more", verb)
		}
		return change, nil
	case "set":
		for _, word := range words {
			name, value, found := strings.Cut(word, "=")
			if !found {
				return nil, wrong("write A=value for each variable to set; for a secret use set-secret, which reads its value")
			}
			change.Variables[name] = value
		}
	case "set-secret":
		if err := one(); err != nil {
			return nil, err
		}
		value, err := readBounded(files.secret)
		if err != nil {
			return nil, wrong("read secret: %w", err)
		}
		change.Secrets[words[0]] = strings.TrimSuffix(string(value), "\n")
	case "unset":
		change.Remove = words
	case "import":
		if err := one(); err != nil {
			return nil, err
		}
		err := change.read(words[0], files.shown)
		return change, err
	default:
		return nil, wrong("berth env takes no %.60q; see berth help env", verb)
	}
	if len(words) == 0 {
		return nil, wrong("berth env %s says nothing to %s", verb, verb)
	}
	return change, nil
}

// read takes the variables of a .env file.
func (c *environmentChange) read(file string, shown bool) error {
	text, err := readBounded(file)
	if err != nil {
		return &usageError{fmt.Errorf("read variables: %w", err)}
	}
	imported, err := app.ParseEnvironmentText(string(text), !shown)
	if err != nil {
		return err
	}
	into := c.Secrets
	if shown {
		into = c.Variables
	}
	for _, wish := range imported.Wishes {
		into[wish.Name] = wish.Value.Reveal()
	}
	return nil
}

// sendEnvironment sends a request about the environment and prints what it is then.
func (p *program) sendEnvironment(ctx context.Context, api *client, name app.Name, method string, change any) error {
	var answer environmentAnswer
	if err := api.sendJSON(ctx, method, appPath(name)+"/environment", change, &answer); err != nil {
		return err
	}
	return p.show(api, func() error { return p.printEnvironment(name, answer) })
}

// printEnvironment prints the variables, and what is to be said of them beside.
func (p *program) printEnvironment(name app.Name, answer environmentAnswer) error {
	for _, warned := range slices.Sorted(maps.Keys(answer.Warnings)) {
		_, _ = fmt.Fprintf(p.stderr, "Warning: %s: %s\n", warned, answer.Warnings[warned])
	}
	waits := answer.Unapplied
	if n := len(waits.Added) + len(waits.Changed) + len(waits.Removed); n > 0 {
		_, _ = fmt.Fprintf(p.stderr, "Not applied yet: %d. Run berth env apply %s.\n", n, name)
	}
	table := p.table()
	_, _ = fmt.Fprintln(table, "NAME\tVALUE\tSTATE")
	names := slices.Concat(slices.Collect(maps.Keys(answer.Variables)), answer.Secrets)
	slices.Sort(names)
	for _, variable := range names {
		value, state := "[secret]", "applied"
		if plain, shown := answer.Variables[variable]; shown {
			value = fmt.Sprintf("%q", plain)
		}
		if slices.Contains(waits.Added, variable) || slices.Contains(waits.Changed, variable) {
			state = "not applied"
		}
		if slices.Contains(answer.Build, variable) {
			state += ", also at build"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", variable, value, state)
	}
	return table.Flush()
}

// applyEnvironment makes a release with what was saved, and waits until it is live.
func (p *program) applyEnvironment(ctx context.Context, api *client, name app.Name) error {
	var release releaseAnswer
	if err := api.sendJSON(ctx, http.MethodPost, appPath(name)+"/environment/apply", nil, &release); err != nil {
		return err
	}
	if release.Number == 0 {
		_, err := fmt.Fprintln(p.stdout, "There was nothing to apply.")
		return err
	}
	final, err := p.awaitLive(ctx, api, release.id())
	if err != nil {
		return err
	}
	return p.show(api, func() error {
		_, err := fmt.Fprintf(p.stdout, "%s is live with it.\n", final.id())
		return err
	})
}

// sendJSON sends a body, where there is one, and reads the answer into what is not nil.
func (c *client) sendJSON(ctx context.Context, method, path string, body, answer any) error {
	text, err := encodeBody(body)
	if err != nil {
		return err
	}
	return c.patiently(ctx, func() error {
		response, err := c.send(ctx, method, path, withJSON(text))
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if answer == nil {
			return nil
		}
		return c.decode(response.Body, answer)
	})
}
