//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
)

// runPasswd gives an account, the operator's where none is named, a one-time
// password, and unlocks the sign-in. It works beside a running server.
func runPasswd(ctx context.Context, p *program, args []string) error {
	flags := newFlags("passwd")
	removeFactor := flags.Bool("remove-second-factor", false, "also turn off two-factor authentication: for a lost phone without recovery codes")
	settings := p.addConfigFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	name, err := passwdName(words)
	if err != nil {
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
	desk := passwdDesk{program: p, accounts: account.NewAccounts(ledger, config.AdminPassword, logger), audit: audit, name: name}
	if *removeFactor {
		err = desk.removeSecondFactor(ctx)
	}
	if err == nil {
		err = desk.resetPassword(ctx, config)
	}
	if err == nil {
		err = limit.ClearClass(ctx, ledger, limit.Login) // or the new password could not be typed
	}
	return errors.Join(err, ledger.Close())
}

// passwdDesk is where the password of one account is reset, and who writes that down.
type passwdDesk struct {
	*program
	accounts *account.Accounts
	audit    audit.Auditor
	name     string // of the account
}

// removeSecondFactor comes before the reset, which a password from the
// configuration stands against: that one too can have lost its phone.
func (d passwdDesk) removeSecondFactor(ctx context.Context) error {
	err := d.accounts.RemoveSecondFactor(ctx, d.name)
	if problem.KindOf(err) == problem.KindConflict {
		return nil // there is none, as it was asked for
	}
	d.record(ctx, audit.ActionSecondFactorDisable, err)
	if err == nil {
		_, err = fmt.Fprintf(d.stdout, "Two-factor authentication of %s is off.\n", d.name)
	}
	return err
}

func (d passwdDesk) resetPassword(ctx context.Context, config Config) error {
	password, err := d.accounts.Reset(ctx, d.name)
	d.record(ctx, audit.ActionPasswordReset, err)
	if err == nil {
		showOneTimePassword(d.stdout, config, d.name, password)
	}
	return err
}

func (d passwdDesk) record(ctx context.Context, action audit.Action, err error) {
	d.audit.Record(ctx, audit.Event{
		Action: action, Resource: "account " + d.name, Success: err == nil, Account: audit.CommandLine,
	})
}

func passwdName(words []string) (string, error) {
	if len(words) == 0 {
		return account.OperatorName, nil
	}
	if len(words) > 1 {
		return "", &usageError{fmt.Errorf("berth passwd takes one name, not also %.60q; see berth help passwd", words[1])}
	}
	name, err := account.ParseName(words[0])
	if err != nil {
		return "", &usageError{err}
	}
	return name, nil
}

// showOneTimePassword prints the password for the person at the terminal or in
// the log of the container. The second line is read by scripts.
func showOneTimePassword(stdout io.Writer, config Config, name, password string) {
	_, _ = fmt.Fprintf(stdout, "Sign in at %s as %s with the\none-time password: %s\nIt must be changed at the first login.\n",
		adminURL(config), name, password)
}
