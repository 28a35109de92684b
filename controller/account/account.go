// Package account says who may sign in, and with what.
package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"berth/controller/problem"
	"berth/controller/secret"
)

// OperatorName is the name of the account that the first start creates.
const OperatorName = "admin"

// Account is a person who can sign in.
type Account struct {
	ID           int64
	Name         string
	PasswordHash string // bcrypt, by secret.HashPassword
	MustChange   bool   // a one-time password: the account can do nothing else before it changes it
	CreatedAt    time.Time
	LoginAt      time.Time // the last sign-in; zero for never

	SecondFactor  bool // a login needs a code too
	RecoveryCodes int  // how many are left
	Declined      bool // does not want the suggestion of a second factor again
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*([._-][a-z0-9]+)*$`)

const maxName = 32

// ParseName returns s as the name of an account, or a Problem of problem.KindInvalid.
func ParseName(s string) (string, error) {
	if len(s) > maxName || !namePattern.MatchString(s) {
		return "", problem.Invalid(
			fmt.Sprintf("%.40q is not a name for an account.", s),
			fmt.Sprintf("Use up to %d lower-case letters, digits and single dots, hyphens or underscores between them. It begins with a letter.", maxName),
		).At("name")
	}
	return s, nil
}

// Ledger keeps the accounts. A missing account is problem.ErrNotFound.
type Ledger interface {
	// CreateAccount stores the account and gives it its id; problem.ErrNameTaken if an
	// account has the name.
	CreateAccount(context.Context, Account) (Account, error)
	FindAccount(ctx context.Context, id int64) (Account, error)
	FindAccountByName(ctx context.Context, name string) (Account, error)
	// UpdatePassword sets PasswordHash and MustChange and deletes every session
	// of the account, in one transaction.
	UpdatePassword(ctx context.Context, id int64, hash string, mustChange bool) error

	ListAccounts(context.Context) ([]Account, error) // by name
	CountAccounts(context.Context) (int, error)
	// DeleteAccount removes the account with its sessions, its second factor and its SSH
	// keys. It does not remove the last account: problem.ErrNotFound.
	DeleteAccount(ctx context.Context, id int64) error
	UpdateLogin(ctx context.Context, id int64, at time.Time) error
	UpdateDeclined(ctx context.Context, id int64) error
	// DeleteSecondFactor removes it and its recovery codes; problem.ErrNotFound if there
	// is none.
	DeleteSecondFactor(ctx context.Context, account int64) error
}

// Accounts signs people in and keeps their passwords.
type Accounts struct {
	ledger Ledger
	fixed  secret.Text
	logger *slog.Logger
	now    func() time.Time

	// Both are of package secret, and take a quarter of a second each; tests use faster
	// ones.
	hashPassword   func(password string) (string, error)
	verifyPassword func(hash, password string) bool
}

// NewAccounts returns the service over its ledger. A fixed password, from the
// configuration, is the operator's and overrides a stored password; empty means that
// there is none.
func NewAccounts(ledger Ledger, fixed secret.Text, logger *slog.Logger) *Accounts {
	return &Accounts{
		ledger: ledger, fixed: fixed, logger: logger, now: time.Now,
		hashPassword: secret.HashPassword, verifyPassword: secret.VerifyPassword,
	}
}

// UseHasher replaces bcrypt, for tests that cannot wait a quarter of a second.
func (a *Accounts) UseHasher(hash func(password string) (string, error), verify func(hash, password string) bool) {
	a.hashPassword, a.verifyPassword = hash, verify
}

// EnsureOperator makes sure that the operator can sign in. It creates a missing account,
// and sets the fixed password if the stored password differs. If it makes a one-time
// password, it calls show with it before it stores the account, so that a crash in
// between loses no password.
func (a *Accounts) EnsureOperator(ctx context.Context, show func(oneTimePassword string)) error {
	operator, err := a.ledger.FindAccountByName(ctx, OperatorName)
	if errors.Is(err, problem.ErrNotFound) {
		return a.createOperator(ctx, show)
	}
	if err != nil {
		return fmt.Errorf("find operator: %w", err)
	}
	return a.applyFixed(ctx, operator)
}

// SignIn returns the account of that name if the password is right. Otherwise it returns
// a Problem of problem.KindUnauthorized that does not say if the name or the password was
// wrong. An empty name means the operator. An unknown name costs the same time.
// Beside the Problem it returns an Account without an id, for the audit log only: the
// Account has a name if an account of that name exists.
func (a *Accounts) SignIn(ctx context.Context, name, password string) (Account, error) {
	if name == "" {
		name = OperatorName
	}
	account, err := a.ledger.FindAccountByName(ctx, name)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	// Without an account the hash is empty, and verifies against a dummy.
	if !a.verifyPassword(account.PasswordHash, password) {
		return Account{Name: account.Name}, problem.Unauthorized(
			"Wrong user name or password.",
			"Try again. If the password is lost, run make passwd (or berth passwd) on the machine that Berth runs on.",
		).At("password")
	}
	return account, nil
}

// Find returns the account of that id; problem.ErrNotFound if there is none.
func (a *Accounts) Find(ctx context.Context, id int64) (Account, error) {
	account, err := a.ledger.FindAccount(ctx, id)
	if err != nil {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	return account, nil
}

// ChangePassword replaces the account's password and ends all its sessions. The caller
// begins a new session for the person who asked. Problems name the form field
// old_password or new_password.
func (a *Accounts) ChangePassword(ctx context.Context, id int64, oldPassword, newPassword string) error {
	account, err := a.Find(ctx, id)
	if err != nil {
		return err
	}
	if err := a.refuseFixed(account.Name); err != nil {
		return err
	}
	if err := a.checkPassword(account, "old_password", oldPassword); err != nil {
		return err
	}
	if err := checkNewPassword(account, oldPassword, newPassword); err != nil {
		return err
	}
	return a.setPassword(ctx, account, newPassword, false)
}

// CheckPassword asks a signed-in person for the password again. The Problem names the
// form field password.
func (a *Accounts) CheckPassword(ctx context.Context, id int64, password string) error {
	account, err := a.Find(ctx, id)
	if err != nil {
		return err
	}
	return a.checkPassword(account, "password", password)
}

func (a *Accounts) checkPassword(account Account, field, password string) error {
	if a.verifyPassword(account.PasswordHash, password) {
		return nil
	}
	return problem.Invalid("The current password is wrong.", "Type the password you signed in with.").At(field)
}

// Reset gives the account a one-time password, returns that password, and ends all
// sessions of the account. A second factor stays.
func (a *Accounts) Reset(ctx context.Context, name string) (string, error) {
	account, err := a.findByName(ctx, name)
	if err != nil {
		return "", err
	}
	if err := a.refuseFixed(name); err != nil {
		return "", err
	}
	password := secret.NewOneTimePassword()
	if err := a.setPassword(ctx, account, password, true); err != nil {
		return "", err
	}
	return password, nil
}

func (a *Accounts) createOperator(ctx context.Context, show func(string)) error {
	password, mustChange := a.fixed.Reveal(), false
	if password == "" {
		password, mustChange = secret.NewOneTimePassword(), true
		show(password)
	} else {
		a.warnIfWeak(ctx)
	}
	hash, err := a.hashPassword(password)
	if err != nil {
		return fmt.Errorf("hash operator's password: %w", err)
	}
	_, err = a.ledger.CreateAccount(ctx, Account{
		Name:         OperatorName,
		PasswordHash: hash,
		MustChange:   mustChange,
		CreatedAt:    time.Now(),
	})
	if err != nil {
		return fmt.Errorf("create operator: %w", err)
	}
	return nil
}

func (a *Accounts) applyFixed(ctx context.Context, operator Account) error {
	if a.fixed == "" {
		return nil
	}
	a.warnIfWeak(ctx)
	if !operator.MustChange && a.verifyPassword(operator.PasswordHash, a.fixed.Reveal()) {
		return nil
	}
	return a.setPassword(ctx, operator, a.fixed.Reveal(), false)
}

func (a *Accounts) setPassword(ctx context.Context, account Account, password string, mustChange bool) error {
	hash, err := a.hashPassword(password)
	if err != nil {
		return fmt.Errorf("hash password of %s: %w", account.Name, err)
	}
	if err := a.ledger.UpdatePassword(ctx, account.ID, hash, mustChange); err != nil {
		return fmt.Errorf("update password of %s: %w", account.Name, err)
	}
	a.logger.InfoContext(ctx, "changed a password", "account", account.Name, "must_change", mustChange)
	return nil
}

// refuseFixed refuses a change that the next start would silently undo.
func (a *Accounts) refuseFixed(name string) error {
	if a.fixed == "" || name != OperatorName {
		return nil
	}
	return problem.Conflict(
		"The operator's password is set by the configuration (BERTH_ADMIN_PASSWORD).",
		"Change it there and start Berth again, or remove it there to manage the password here.",
	)
}

func (a *Accounts) warnIfWeak(ctx context.Context) {
	if weak, ok := errors.AsType[*problem.Problem](secret.CheckStrength(a.fixed.Reveal())); ok {
		a.logger.WarnContext(ctx, "the configured password is weak", "reason", weak.Message+" "+weak.Hint)
	}
}

func checkNewPassword(account Account, oldPassword, newPassword string) error {
	refuse := func(message, hint string) error {
		return problem.Invalid(message, hint).At("new_password")
	}
	if newPassword == oldPassword {
		return refuse("This is the old password again.", "Choose another one.")
	}
	// Many words contain a short name by chance.
	longName := len(account.Name) >= 4
	if longName && strings.Contains(strings.ToLower(newPassword), strings.ToLower(account.Name)) {
		return refuse("The password holds the name of the account.", "Choose one that does not.")
	}
	return problem.AtField("new_password", secret.CheckStrength(newPassword, account.Name))
}
