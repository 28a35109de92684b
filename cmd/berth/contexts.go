package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"berth/controller/problem"
	"berth/controller/secret"
)

// serverContext is a server that a person signed in to.
type serverContext struct {
	Server      string    `json:"server"`
	Account     string    `json:"account"`
	Scope       string    `json:"scope"`
	Token       string    `json:"token,omitempty"`
	ExpiresAt   time.Time `json:"expires_at"`
	Fingerprint string    `json:"fingerprint,omitempty"` // of a certificate that no authority vouches for
}

// contexts are all of them, in a file of the user's that nobody else reads.
type contexts struct {
	Current string                   `json:"current"`
	Servers map[string]serverContext `json:"servers"`
}

const (
	contextsFolderMode fs.FileMode = 0o700
	contextsFileMode   fs.FileMode = 0o600
)

var contextName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}$`)

func checkContextName(name string) error {
	if !contextName.MatchString(name) {
		return fmt.Errorf("%.60q cannot be the name of a context: it has 1 to 63 lower-case letters, digits, dots and hyphens", name)
	}
	return nil
}

// contextsFile is where os.UserConfigDir says, by the environment that the program was given.
func (p *program) contextsFile() (string, error) {
	folder := p.variable("XDG_CONFIG_HOME")
	home := p.variable("HOME")
	switch {
	case runtime.GOOS == "windows":
		folder = p.variable("AppData")
	case home != "" && runtime.GOOS == "darwin":
		folder = filepath.Join(home, "Library", "Application Support")
	case home != "" && folder == "":
		folder = filepath.Join(home, ".config")
	}
	if !filepath.IsAbs(folder) {
		return "", errors.New("there is no folder for your settings: set HOME")
	}
	return filepath.Join(folder, "berth", "contexts.json"), nil
}

// readContexts returns none where there is no file.
func (p *program) readContexts() (contexts, error) {
	found := contexts{Servers: map[string]serverContext{}}
	file, err := p.contextsFile()
	if err != nil {
		return found, nil //nolint:nilerr // a machine without a home, such as a CI job: there is nobody who signed in
	}
	content, err := readBounded(file)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &found)
	}
	if err != nil {
		return found, &usageError{fmt.Errorf("read %s: %w; remove it and sign in again with berth login", file, err)}
	}
	if found.Servers == nil {
		found.Servers = map[string]serverContext{}
	}
	return found, nil
}

// writeContexts replaces the file in one step.
func (p *program) writeContexts(all contexts) error {
	file, err := p.contextsFile()
	if err != nil {
		return err
	}
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, contextsFolderMode); err != nil {
		return err
	}
	fresh, err := os.CreateTemp(folder, ".contexts-*") // 0600
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(append(content, '\n')).WriteTo(fresh)
	err = errors.Join(err, fresh.Chmod(contextsFileMode), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return nil
}

// find returns the context of that name.
func (c contexts) find(name string) (serverContext, error) {
	found, ok := c.Servers[name]
	if !ok {
		return serverContext{}, &usageError{fmt.Errorf("there is no context %.60q; see berth context list, or sign in with berth login", name)}
	}
	return found, nil
}

// ofServer returns the context of an address, where there is one.
func (c contexts) ofServer(address string) (serverContext, bool) {
	for _, name := range slices.Sorted(maps.Keys(c.Servers)) {
		if c.Servers[name].Server == strings.TrimSuffix(address, "/") {
			return c.Servers[name], true
		}
	}
	return serverContext{}, false
}

// destination is the server that a command speaks to, and what it shows there.
type destination struct {
	server      string
	token       secret.Text
	fingerprint string
}

// choose finds the server of a command. A token that was given goes to the server that
// was given with it, and the token of a context to the server of that context alone.
func (p *program) choose(line lineFlags) (destination, error) {
	token, err := p.givenToken(*line.token, *line.tokenFile)
	if err != nil {
		return destination{}, err
	}
	found, err := p.chooseContext(*line.server, *line.context, token != "")
	if err != nil {
		return destination{}, err
	}
	if token == "" {
		token = secret.Text(found.Token)
	}
	if token == "" {
		return destination{}, problem.Unauthorized(
			"There is no token.",
			"Sign in with berth login, or mint a token with berth token on the machine that Berth runs on, and set BERTH_TOKEN or --token-file.",
		)
	}
	return destination{server: found.Server, token: token, fingerprint: found.Fingerprint}, nil
}

// chooseContext is what is known of the server that flags, variables, the folder or berth
// context use name, in this order.
func (p *program) chooseContext(server, name string, hasToken bool) (serverContext, error) {
	all, err := p.readContexts()
	if err != nil {
		return serverContext{}, err
	}
	if server == "" && name == "" {
		server, name = p.variable("BERTH_SERVER"), p.variable("BERTH_CONTEXT")
	}
	if server == "" && name == "" && hasToken {
		server = defaultServer
	}
	switch {
	case name != "" && server != "":
		return serverContext{}, &usageError{errors.New("a server and a context are both named: give one of --server (BERTH_SERVER) and --context (BERTH_CONTEXT)")}
	case server != "":
		found, _ := all.ofServer(server)
		found.Server = server
		return found, nil
	case name != "":
		return all.find(name)
	default:
		return p.usualContext(all)
	}
}

// usualContext is that of the folder, else the one that was chosen.
func (p *program) usualContext(all contexts) (serverContext, error) {
	here, err := readProject()
	if err != nil {
		return serverContext{}, err
	}
	switch {
	case here.Context != "":
		return all.find(here.Context)
	case all.Current != "":
		return all.find(all.Current)
	default:
		return serverContext{Server: defaultServer}, nil
	}
}

// runContextList prints them without their tokens.
func runContextList(_ context.Context, p *program, args []string) error {
	flags := newFlags("context list")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	all, err := p.readContexts()
	if err != nil {
		return err
	}
	rows := [][]string{{"CONTEXT", "SERVER", "ACCOUNT", "SCOPE", "EXPIRES", ""}}
	for _, name := range slices.Sorted(maps.Keys(all.Servers)) {
		one := all.Servers[name]
		one.Token = ""
		all.Servers[name] = one
		mark := ""
		if name == all.Current {
			mark = "in use"
		}
		rows = append(rows, []string{name, one.Server, one.Account, one.Scope, one.ExpiresAt.Format(time.DateOnly), mark})
	}
	if *asJSON {
		content, err := json.Marshal(all)
		if err != nil {
			return err
		}
		return p.printJSON(content)
	}
	return p.printRows(rows)
}

func runContextUse(_ context.Context, p *program, args []string) error {
	return p.changeContexts("context use", args, func(all *contexts, name string) { all.Current = name })
}

func runContextRemove(_ context.Context, p *program, args []string) error {
	return p.changeContexts("context rm", args, func(all *contexts, name string) { all.remove(name) })
}

func (c *contexts) remove(name string) {
	delete(c.Servers, name)
	if c.Current == name {
		c.Current = ""
	}
}

// changeContexts is for a command whose only word is the name of one that is there.
func (p *program) changeContexts(command string, args []string, change func(*contexts, string)) error {
	words, err := p.parseFlags(newFlags(command), args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return p.wrongWords()
	}
	all, err := p.readContexts()
	if err != nil {
		return err
	}
	if _, err := all.find(words[0]); err != nil {
		return err
	}
	change(&all, words[0])
	return p.writeContexts(all)
}
