package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"berth/controller/app"
	"berth/traefik"
)

// projectFile is in the folder of an app, and says what berth deploy would be told.
const projectFile = "berth.toml"

// project is what the file says. It names a context of the person's own and never an
// address: a folder from elsewhere must not choose where a token goes.
type project struct {
	Name    string `toml:"name"`
	Route   string `toml:"route,omitempty"`
	Context string `toml:"context,omitempty"`
}

// readProject reads the file of the current folder; the zero project where there is none.
func readProject() (project, error) {
	content, err := readBounded(projectFile)
	if errors.Is(err, fs.ErrNotExist) {
		return project{}, nil
	}
	if err != nil {
		return project{}, &usageError{err}
	}
	var read project
	decoder := toml.NewDecoder(strings.NewReader(string(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return project{}, &usageError{fmt.Errorf("%s: %s", projectFile, tomlFault(err))}
	}
	if err := read.check(); err != nil {
		return project{}, &usageError{fmt.Errorf("%s: %w", projectFile, err)}
	}
	return read, nil
}

// tomlFault is the fault with its line.
func tomlFault(err error) string {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Sprintf("line %d: %s is no setting; it takes name, route and context", row, strings.Join(strict.Errors[0].Key(), "."))
	}
	if fault, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := fault.Position()
		return fmt.Sprintf("line %d: %v", row, fault)
	}
	return err.Error()
}

func (p project) check() error {
	_, nameErr := app.ParseName(p.Name)
	var routeErr, contextErr error
	if p.Route != "" {
		_, routeErr = traefik.ParseRoute(p.Route)
	}
	if p.Context != "" {
		contextErr = checkContextName(p.Context)
	}
	return errors.Join(nameErr, routeErr, contextErr)
}

// withProject puts the app of the folder before words of which one is missing.
func (p *program) withProject(words []string, wanted int) ([]string, error) {
	if len(words) != wanted-1 {
		return words, nil
	}
	here, err := readProject()
	if err != nil || here.Name == "" {
		return words, err
	}
	return slices.Insert(words, 0, here.Name), nil
}

// runInit writes the file, and never over one that is there.
func runInit(_ context.Context, p *program, args []string) error {
	flags := newFlags("init")
	route := flags.String("route", "", "where the app answers: /path, host or host/path; without it /NAME")
	contextName := flags.String("context", "", "the server that it is for, as berth context list names it; without it the chosen one")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) > 1 {
		return p.wrongWords()
	}
	made := project{Route: *route, Context: *contextName}
	if len(words) == 1 {
		made.Name = words[0]
	} else if made.Name, err = nameOfFolder(); err != nil {
		return err
	}
	if err := made.check(); err != nil {
		return &usageError{err}
	}
	content, err := toml.Marshal(made)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(projectFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it is for the repository of the app, and holds no secret
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Errorf("there is a %s here already; change it with an editor", projectFile)}
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "Wrote %s for %s. Now run berth deploy.\n", projectFile, made.Name)
	return err
}

var noNameLetters = regexp.MustCompile(`[^a-z0-9]+`)

// nameOfFolder makes a name for an app of the current folder's.
func nameOfFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return strings.Trim(noNameLetters.ReplaceAllString(strings.ToLower(filepath.Base(folder)), "-"), "-"), nil
}
