package checklist

import (
	"context"
	"fmt"

	"berth/controller/account"
	"berth/controller/printable"
)

const (
	accountsPage = "/settings/accounts"
	enoughKey    = 32 // bytes of a secret key
)

func (c *Checklist) password(ctx context.Context) (Row, error) {
	names, err := c.accountsThat(ctx, func(a account.Account) bool { return a.MustChange })
	if err != nil {
		return Row{}, err
	}
	if len(names) > 0 {
		return red("A one-time password is not replaced yet: "+printable.List(names)+".",
			"Sign in with it and set a password of your own, or remove the account.", accountsPage)
	}
	return green("Every account has a password of its own.")
}

func (c *Checklist) secondFactor(ctx context.Context) (Row, error) {
	names, err := c.accountsThat(ctx, func(a account.Account) bool { return !a.SecondFactor })
	if err != nil {
		return Row{}, err
	}
	if len(names) > 0 {
		return red("These accounts need no code to sign in: "+printable.List(names)+".",
			"Turn on two-factor authentication in each of these accounts.", "/settings/second-factor")
	}
	return green("Every account needs a code to sign in.")
}

func (c *Checklist) accountsThat(ctx context.Context, match func(account.Account) bool) (names []string, err error) {
	accounts, err := c.Accounts.List(ctx)
	for _, one := range accounts {
		if match(one) {
			names = append(names, one.Name)
		}
	}
	return names, err
}

func (c *Checklist) secretKey(context.Context) (Row, error) {
	switch length := c.Facts.SecretKeyBytes; {
	case length == 0:
		return green("The key was made at random, and is in the data folder.")
	case length < enoughKey:
		return red(fmt.Sprintf("SECRET_KEY has only %d characters.", length),
			"Set a new one with SECRET_KEY, made with: openssl rand -hex 32. Secrets that are sealed with the old key must be set again.", "")
	default:
		return green(fmt.Sprintf("SECRET_KEY has %d characters.", length))
	}
}
