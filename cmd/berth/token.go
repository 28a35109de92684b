package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/controller"
)

const defaultTokenTTL = 30 * 24 * time.Hour

// runToken mints a token and prints it and nothing else to stdout. It works
// beside a running server.
func runToken(ctx context.Context, p *program, args []string) error {
	flags := newFlags("token")
	ttl := flags.Duration("ttl", defaultTokenTTL, "how long it holds")
	scope := flags.String("scope", string(controller.ScopeDeploy), "what it may do: read, deploy or admin")
	name := flags.String("name", "command line", "who it is for; shown beside what it does")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	parsed, err := controller.ParseScope(*scope)
	if err != nil {
		return &usageError{err}
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	ledger, audit, err := openAudited(ctx, config, logger)
	if err != nil {
		return err
	}
	plain, err := controller.NewTokens(ledger, logger).
		MintToken(ctx, controller.TokenOptions{Name: *name, Scope: parsed, TTL: *ttl})
	audit.Record(ctx, controller.AuditEvent{
		Action: controller.ActionTokenCreate, Resource: "token " + *name, Success: err == nil,
		Account: controller.AuditCommandLine, Detail: fmt.Sprintf("scope %s, for %s", parsed, *ttl),
	})
	if err == nil {
		_, err = fmt.Fprintln(p.stdout, plain)
	}
	return errors.Join(err, ledger.Close())
}
