package account

import (
	"context"
	"errors"
	"fmt"

	"berth/controller/problem"
	"berth/controller/secret"
)

// List returns every account by name.
func (a *Accounts) List(ctx context.Context) ([]Account, error) {
	accounts, err := a.ledger.ListAccounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return accounts, nil
}

// Several reports whether there is more than one account, so that a login needs a name.
func (a *Accounts) Several(ctx context.Context) (bool, error) {
	count, err := a.ledger.CountAccounts(ctx)
	if err != nil {
		return false, fmt.Errorf("count accounts: %w", err)
	}
	return count > 1, nil
}

// Create makes an account with a one-time password and returns the password. Nobody can
// see that password again. A Problem names the form field name.
// nobody can see again. A Problem names the form field name.
func (a *Accounts) Create(ctx context.Context, name string) (oneTimePassword string, err error) {
	name, err = ParseName(name)
	if err != nil {
		return "", err
	}
	oneTimePassword = secret.NewOneTimePassword()
	hash, err := a.hashPassword(oneTimePassword)
	if err != nil {
		return "", fmt.Errorf("hash password of %s: %w", name, err)
	}
	_, err = a.ledger.CreateAccount(ctx, Account{Name: name, PasswordHash: hash, MustChange: true, CreatedAt: a.now()})
	if errors.Is(err, problem.ErrNameTaken) {
		return "", problem.Conflict(
			fmt.Sprintf("There is an account %s already.", name),
			"Choose another name.",
		).At("name").Because(err)
	}
	if err != nil {
		return "", fmt.Errorf("create account %s: %w", name, err)
	}
	a.logger.InfoContext(ctx, "created an account", "account", name)
	return oneTimePassword, nil
}

// ResetOther is Reset of another account, by a person who is signed in.
func (a *Accounts) ResetOther(ctx context.Context, self int64, name string) (oneTimePassword string, err error) {
	account, err := a.findByName(ctx, name)
	if err != nil {
		return "", err
	}
	if account.ID == self {
		return "", refuseSelf("reset your own password", "Change it under Account.")
	}
	return a.Reset(ctx, name)
}

// Remove deletes an account with its sessions and its second factor. The person confirms
// by typing the name. People cannot remove themselves or the operator.
func (a *Accounts) Remove(ctx context.Context, self int64, name, confirm string) error {
	account, err := a.findByName(ctx, name)
	if err != nil {
		return err
	}
	if account.ID == self {
		return refuseSelf("remove your own account", "Somebody else who can sign in can do that.")
	}
	if account.Name == OperatorName {
		return problem.Conflict(
			"The operator's account stays: it is the one that a shell on the machine can always open.",
			"Reset its password if nobody should know it.",
		)
	}
	if confirm != account.Name {
		return problem.Invalid(
			fmt.Sprintf("%.60q is not the name of this account.", confirm),
			fmt.Sprintf("Type %s to remove it.", account.Name),
		).At("confirm")
	}
	if err := a.ledger.DeleteAccount(ctx, account.ID); err != nil {
		return fmt.Errorf("remove account %s: %w", account.Name, err)
	}
	a.logger.InfoContext(ctx, "removed an account", "account", account.Name)
	return nil
}

// RemoveSecondFactor helps a person who lost the phone and the recovery codes. Another
// person asks for it: one who can sign in, or has a shell on the machine.
func (a *Accounts) RemoveSecondFactor(ctx context.Context, name string) error {
	account, err := a.findByName(ctx, name)
	if err != nil {
		return err
	}
	err = a.ledger.DeleteSecondFactor(ctx, account.ID)
	if errors.Is(err, problem.ErrNotFound) {
		return problem.Conflict(
			fmt.Sprintf("Two-factor authentication of %s is off.", account.Name),
			"There is nothing to remove.",
		).Because(err)
	}
	if err != nil {
		return fmt.Errorf("remove second factor of %s: %w", account.Name, err)
	}
	a.logger.InfoContext(ctx, "removed a second factor", "account", account.Name)
	return nil
}

// NoteLogin records that the account has just signed in.
func (a *Accounts) NoteLogin(ctx context.Context, id int64) error {
	if err := a.ledger.UpdateLogin(ctx, id, a.now()); err != nil {
		return fmt.Errorf("note login: %w", err)
	}
	return nil
}

// Decline ends the suggestion of a second factor.
func (a *Accounts) Decline(ctx context.Context, id int64) error {
	if err := a.ledger.UpdateDeclined(ctx, id); err != nil {
		return fmt.Errorf("decline second factor: %w", err)
	}
	return nil
}

func (a *Accounts) findByName(ctx context.Context, name string) (Account, error) {
	account, err := a.ledger.FindAccountByName(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return Account{}, problem.NotFound(
			fmt.Sprintf("There is no account %.60q.", name),
			"The first start of berth serve creates the operator's account; others are made under Settings.",
		).Because(err)
	}
	if err != nil {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	return account, nil
}

func refuseSelf(what, hint string) error {
	return problem.Conflict("You cannot "+what+" here.", hint)
}
