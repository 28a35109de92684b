//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"log/slog"

	"berth/controller/secret"
	"berth/traefik"
)

// runDashboard prints what a browser asks for at the proxy's dashboard on this
// machine: the name and the password, in one line.
func runDashboard(_ context.Context, p *program, args []string) error {
	flags := newFlags("dashboard")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, _, err := p.load(settings)
	if err != nil {
		return err
	}
	key, err := openKey(config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s %s\n", traefik.APIUser, string(apiPassword(key)))
	return err
}

// apiPassword is the same at every start, and changes with the key.
func apiPassword(key secret.Key) traefik.APIPassword {
	return traefik.NewAPIPassword(key.Derive("API of the proxy"))
}
