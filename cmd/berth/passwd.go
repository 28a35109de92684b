package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"berth/controller"
)

// runPasswd gives an account, the operator's where none is named, a one-time
// password. It works beside a running server.
func runPasswd(ctx context.Context, p *program, args []string) error {
	flags := newFlags("passwd")
	removeFactor := flags.Bool("remove-second-factor", false, "also remove the second factor: for a lost phone without recovery codes")
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
	ledger, err := openLedger(ctx, config)
	if err != nil {
		return err
	}
	accounts := controller.NewAccounts(ledger, config.AdminPassword, logger)
	if *removeFactor {
		err = p.removeSecondFactor(ctx, accounts, name)
	}
	if err == nil {
		err = p.resetPassword(ctx, config, accounts, name)
	}
	return errors.Join(err, ledger.Close())
}

// removeSecondFactor comes before the reset, which a password from the
// configuration stands against: that one too can have lost its phone.
func (p *program) removeSecondFactor(ctx context.Context, accounts *controller.Accounts, name string) error {
	err := accounts.RemoveSecondFactor(ctx, name)
	if controller.KindOf(err) == controller.KindConflict {
		return nil // there is none, as it was asked for
	}
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "The second factor of %s is removed.\n", name)
	}
	return err
}

func (p *program) resetPassword(ctx context.Context, config Config, accounts *controller.Accounts, name string) error {
	password, err := accounts.Reset(ctx, name)
	if err == nil {
		showOneTimePassword(p.stdout, config, name, password)
	}
	return err
}

func passwdName(words []string) (string, error) {
	if len(words) == 0 {
		return controller.OperatorName, nil
	}
	if len(words) > 1 {
		return "", &usageError{fmt.Errorf("berth passwd takes one name, not also %.60q; see berth help passwd", words[1])}
	}
	name, err := controller.ParseAccountName(words[0])
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
