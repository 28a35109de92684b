package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

const registriesRow = "/api/v1/registries"

// runRegistriesAdd saves the login of a registry. The password is typed, or is the line on
// standard input: on the command line everybody on the machine could read it.
func runRegistriesAdd(ctx context.Context, p *program, args []string) error {
	flags := newFlags(p.command.name)
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 2 {
		return &usageError{errors.New("name the registry and the user, such as: berth registries add ghcr.io ann")}
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	password, err := p.openTerminal().askHidden(ctx, "Password or token of "+words[1]+" at "+words[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	answer, err := api.ask(ctx, http.MethodPut, registriesRow+"/"+url.PathEscape(words[0]), map[string]string{"user": words[1], "password": password})
	if err != nil {
		return err
	}
	if api.json {
		return p.printJSON(answer)
	}
	return p.printThing(answer)
}
