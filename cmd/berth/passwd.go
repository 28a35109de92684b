package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller"
	"berth/controller/limit"
)

// runPasswd gives the operator a one-time password, and unlocks the sign-in. It works beside a running server.
func runPasswd(ctx context.Context, p *program, args []string) error {
	flags := newFlags("passwd")
	settings := p.addConfigFlags(flags)
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	ledger, audit, err := openAudited(ctx, config, logger)
	if err != nil {
		return err
	}
	password, err := controller.NewAccounts(ledger, config.AdminPassword, logger).Reset(ctx, controller.OperatorName)
	audit.Record(ctx, controller.AuditEvent{
		Action: controller.ActionPasswordReset, Resource: "account " + controller.OperatorName,
		Success: err == nil, Account: controller.AuditCommandLine,
	})
	if err == nil {
		showOneTimePassword(p.stdout, config, password)
		err = limit.ClearClass(ctx, ledger, limit.Login) // or the new password could not be typed
	}
	return errors.Join(err, ledger.Close())
}

// showOneTimePassword prints the password for the person at the terminal or in
// the log of the container. The second line is read by scripts.
func showOneTimePassword(stdout io.Writer, config Config, password string) {
	_, _ = fmt.Fprintf(stdout, "Sign in at %s as %s with the\none-time password: %s\nIt must be changed at the first login.\n",
		adminURL(config), controller.OperatorName, password)
}
