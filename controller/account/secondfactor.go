package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"berth/controller/problem"
	"berth/controller/secret"
)

// RecoveryCodes is how many recovery codes an account gets at once.
const RecoveryCodes = 10

// SecondFactor is an account's second factor beside the password: the key of its one-time
// codes.
type SecondFactor struct {
	Account   int64
	Sealed    []byte // the key, by secret.Key.Seal for this account
	LastStep  int64  // the time step of the last used code; only later steps count
	CreatedAt time.Time
}

// SecondFactorLedger keeps the second factors. A missing second factor is
// problem.ErrNotFound.
type SecondFactorLedger interface {
	// CreateSecondFactor stores it with the hashes of its recovery codes, in one
	// transaction; problem.ErrNameTaken if the account has a second factor.
	CreateSecondFactor(ctx context.Context, factor SecondFactor, recoveryHashes []string) error
	FindSecondFactor(ctx context.Context, account int64) (SecondFactor, error)
	// UseStep stores step as the last one; problem.ErrNotFound if step is not later than
	// the stored one.
	UseStep(ctx context.Context, account, step int64) error
	// UseRecoveryCode removes the code; problem.ErrNotFound if it never existed or was
	// used.
	UseRecoveryCode(ctx context.Context, account int64, hash string) error
	ReplaceRecoveryCodes(ctx context.Context, account int64, hashes []string) error
	DeleteSecondFactor(ctx context.Context, account int64) error
}

// passwordChecker asks for a password again; Accounts implements it.
type passwordChecker interface {
	CheckPassword(ctx context.Context, id int64, password string) error
}

// SecondFactors sets second factors up and checks their codes.
type SecondFactors struct {
	ledger    SecondFactorLedger
	passwords passwordChecker
	key       secret.Key
	logger    *slog.Logger
	now       func() time.Time
}

// NewSecondFactors returns the service over its ledger. The key seals the secrets in the
// ledger.
func NewSecondFactors(ledger SecondFactorLedger, passwords passwordChecker, key secret.Key, logger *slog.Logger) *SecondFactors {
	return &SecondFactors{ledger: ledger, passwords: passwords, key: key, logger: logger, now: time.Now}
}

// Begin makes a key for the account. The key has no effect before Confirm. It is returned
// sealed, for the session to keep. A Problem names the form field password.
func (s *SecondFactors) Begin(ctx context.Context, account Account, password string) (sealed []byte, err error) {
	if account.SecondFactor {
		return nil, hasSecondFactor(nil)
	}
	if err := s.passwords.CheckPassword(ctx, account.ID, password); err != nil {
		return nil, err
	}
	key, err := secret.NewSharedKey(account.Name)
	if err != nil {
		return nil, err
	}
	return s.key.Seal([]byte(key.URL().Reveal()), placeOf(account.ID)), nil
}

// SharedKey is the key in the result of Begin, to show to the person of that account.
func (s *SecondFactors) SharedKey(account int64, sealed []byte) (secret.SharedKey, error) {
	url, err := s.key.Open(sealed, placeOf(account))
	if err != nil {
		return secret.SharedKey{}, fmt.Errorf("open key of one-time codes of account %d: %w", account, err)
	}
	return secret.ParseSharedKey(secret.Text(url))
}

// Confirm turns the second factor on if a code shows that the person's phone has the key.
// It returns the recovery codes, which nobody can see again. A Problem names the form
// field code.
func (s *SecondFactors) Confirm(ctx context.Context, account int64, sealed []byte, code string) ([]string, error) {
	key, err := s.SharedKey(account, sealed)
	if err != nil {
		return nil, err
	}
	step, ok := key.MatchCode(parseCode(code), s.now(), 0)
	if !ok {
		return nil, wrongCode(nil)
	}
	codes, hashes := newRecoveryCodes(account)
	factor := SecondFactor{Account: account, Sealed: sealed, LastStep: step, CreatedAt: s.now()}
	err = s.ledger.CreateSecondFactor(ctx, factor, hashes)
	if errors.Is(err, problem.ErrNameTaken) {
		return nil, hasSecondFactor(err)
	}
	if err != nil {
		return nil, fmt.Errorf("enable second factor: %w", err)
	}
	s.logger.InfoContext(ctx, "enabled a second factor", "account_id", account)
	return codes, nil
}

// Check accepts a code of the account's phone or one of its recovery codes, and says
// which of the two it was. Each works once. Any other text is a Problem of
// problem.KindInvalid for the form field code.
func (s *SecondFactors) Check(ctx context.Context, account int64, code string) (recovery bool, err error) {
	if parsed, ok := secret.ParseRecoveryCode(code); ok {
		err := s.ledger.UseRecoveryCode(ctx, account, secret.HashRecoveryCode(parsed, placeOf(account)))
		return true, wrongCodeIfMissing(err)
	}
	return false, s.checkPhone(ctx, account, code)
}

// RenewRecoveryCodes replaces the remaining recovery codes. It asks for the password and
// a code; Problems name the form fields password and code.
func (s *SecondFactors) RenewRecoveryCodes(ctx context.Context, account int64, password, code string) ([]string, error) {
	if err := s.checkBoth(ctx, account, password, code); err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes(account)
	if err := s.ledger.ReplaceRecoveryCodes(ctx, account, hashes); err != nil {
		return nil, fmt.Errorf("renew recovery codes: %w", err)
	}
	return codes, nil
}

// Disable turns the second factor off. It asks for the password and a code;
// Problems name the form fields password and code.
func (s *SecondFactors) Disable(ctx context.Context, account int64, password, code string) error {
	if err := s.checkBoth(ctx, account, password, code); err != nil {
		return err
	}
	if err := s.ledger.DeleteSecondFactor(ctx, account); err != nil {
		return fmt.Errorf("disable second factor: %w", err)
	}
	s.logger.InfoContext(ctx, "disabled a second factor", "account_id", account)
	return nil
}

// checkBoth checks the password first, because a right code is used up.
func (s *SecondFactors) checkBoth(ctx context.Context, account int64, password, code string) error {
	if err := s.passwords.CheckPassword(ctx, account, password); err != nil {
		return err
	}
	_, err := s.Check(ctx, account, code)
	return err
}

func (s *SecondFactors) checkPhone(ctx context.Context, account int64, code string) error {
	factor, err := s.ledger.FindSecondFactor(ctx, account)
	if err != nil {
		return wrongCodeIfMissing(err)
	}
	key, err := s.SharedKey(account, factor.Sealed)
	if err != nil {
		return err
	}
	step, ok := key.MatchCode(parseCode(code), s.now(), factor.LastStep)
	if !ok {
		return wrongCode(nil)
	}
	// Two requests with one code can both get here; only one passes the next check.
	return wrongCodeIfMissing(s.ledger.UseStep(ctx, account, step))
}

func newRecoveryCodes(account int64) (codes, hashes []string) {
	for range RecoveryCodes {
		code := secret.NewRecoveryCode()
		codes = append(codes, code)
		hashes = append(hashes, secret.HashRecoveryCode(code, placeOf(account)))
	}
	return codes, hashes
}

// placeOf binds a sealed or hashed value to its account.
func placeOf(account int64) string { return fmt.Sprintf("second factor of account %d", account) }

// parseCode drops the space that phones show in the middle of a code.
func parseCode(s string) string { return strings.ReplaceAll(s, " ", "") }

func wrongCodeIfMissing(err error) error {
	if errors.Is(err, problem.ErrNotFound) {
		return wrongCode(err)
	}
	return err
}

func wrongCode(cause error) *problem.Problem {
	return problem.Invalid(
		"This code is not right, or was used before.",
		"Type the code that your app shows now; each works once. If they are never right, set the phone's clock.",
	).At("code").Because(cause)
}

func hasSecondFactor(cause error) *problem.Problem {
	return problem.Conflict(
		"Two-factor authentication is on already.",
		"Turn it off first to set it up on another phone.",
	).Because(cause)
}
