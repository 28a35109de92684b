package account

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"berth/controller/problem"
	"berth/controller/secret"
)

// book is an Ledger in memory.
type book struct {
	accounts []Account
	updates  int // calls of UpdatePassword
	broken   error
}

func (b *book) CreateAccount(_ context.Context, account Account) (Account, error) {
	account.ID = int64(len(b.accounts) + 1)
	b.accounts = append(b.accounts, account)
	return account, b.broken
}

func (b *book) FindAccount(_ context.Context, id int64) (Account, error) {
	for _, account := range b.accounts {
		if account.ID == id {
			return account, b.broken
		}
	}
	return Account{}, problem.ErrNotFound
}

func (b *book) FindAccountByName(_ context.Context, name string) (Account, error) {
	for _, account := range b.accounts {
		if account.Name == name {
			return account, b.broken
		}
	}
	return Account{}, problem.ErrNotFound
}

func (b *book) UpdatePassword(_ context.Context, id int64, hash string, mustChange bool) error {
	b.updates++
	b.accounts[id-1].PasswordHash, b.accounts[id-1].MustChange = hash, mustChange
	return b.broken
}

func (b *book) ListAccounts(context.Context) ([]Account, error) { return b.accounts, b.broken }

func (b *book) CountAccounts(context.Context) (int, error) { return len(b.accounts), b.broken }

func (b *book) DeleteAccount(context.Context, int64) error { return b.broken }

func (b *book) UpdateLogin(_ context.Context, id int64, at time.Time) error {
	b.accounts[id-1].LoginAt = at
	return b.broken
}

func (b *book) UpdateDeclined(context.Context, int64) error { return b.broken }

func (b *book) DeleteSecondFactor(context.Context, int64) error { return problem.ErrNotFound }

func TestAccounts_FirstStartMakesAOneTimePasswordThatMustBeChanged(t *testing.T) {
	book := &book{}
	accounts := newTestAccounts(book, "")
	shown := ensureOperator(t, accounts)
	if len(shown) != 1 {
		t.Fatalf("shown: %d passwords", len(shown))
	}
	account, err := accounts.SignIn(t.Context(), "", shown[0])
	if err != nil || account.Name != OperatorName || !account.MustChange {
		t.Errorf("signed in as %+v, %v", account, err)
	}
	if again := ensureOperator(t, accounts); len(again) != 0 || book.updates != 0 {
		t.Errorf("the second start showed %v and changed the password %d times", again, book.updates)
	}
}

func TestAccounts_ConfiguredPasswordOverridesTheStoredOne(t *testing.T) {
	book := &book{}
	ensureOperator(t, newTestAccounts(book, ""))
	fixed := newTestAccounts(book, "weak")
	for range 2 {
		if shown := ensureOperator(t, fixed); len(shown) != 0 {
			t.Errorf("shown: %v", shown)
		}
	}
	account, err := fixed.SignIn(t.Context(), OperatorName, "weak")
	if err != nil || account.MustChange {
		t.Errorf("signed in as %+v, %v", account, err)
	}
	if book.updates != 1 {
		t.Errorf("the password was stored %d times, which ends sessions each time", book.updates)
	}
}

func TestAccounts_ConfiguredPasswordIsNotChangedFromInside(t *testing.T) {
	accounts := newTestAccounts(&book{}, "Configured-7")
	ensureOperator(t, accounts)
	err := accounts.ChangePassword(t.Context(), 1, "Configured-7", "Another-Horse-8")
	if problem.KindOf(err) != problem.KindConflict {
		t.Errorf("change: %v", err)
	}
	if _, err := accounts.Reset(t.Context(), OperatorName); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("reset: %v", err)
	}
}

func TestAccounts_SignInDoesNotTellAWrongNameFromAWrongPassword(t *testing.T) {
	accounts := newTestAccounts(&book{}, "Configured-7")
	ensureOperator(t, accounts)
	_, wrongName := accounts.SignIn(t.Context(), "nobody", "Configured-7")
	_, wrongPassword := accounts.SignIn(t.Context(), OperatorName, "configured-7")
	if problem.KindOf(wrongName) != problem.KindUnauthorized || wrongName.Error() != wrongPassword.Error() {
		t.Errorf("wrong name: %v; wrong password: %v", wrongName, wrongPassword)
	}
}

func TestAccounts_SignInReportsABrokenLedgerAsInternal(t *testing.T) {
	book := &book{accounts: []Account{{ID: 1, Name: OperatorName}}, broken: errors.New("disk is full")}
	_, err := newTestAccounts(book, "").SignIn(t.Context(), "", "x")
	if problem.KindOf(err) != problem.KindInternal || !errors.Is(err, book.broken) {
		t.Errorf("got %v", err)
	}
}

func TestAccounts_ChangePasswordWantsTheOldOneAndAStrongNewOne(t *testing.T) {
	accounts := newTestAccounts(&book{}, "")
	oneTime := ensureOperator(t, accounts)[0]
	for name, refused := range map[string]struct{ old, new, field string }{
		"wrong old password": {"wrong", "Correct-Horse-7", "old_password"},
		"weak new password":  {oneTime, "password", "new_password"},
		"the same again":     {oneTime, oneTime, "new_password"},
		"the account's name": {oneTime, "My-Admin-Horse-7", "new_password"},
	} {
		fault, ok := errors.AsType[*problem.Problem](accounts.ChangePassword(t.Context(), 1, refused.old, refused.new))
		if !ok || fault.Kind != problem.KindInvalid || fault.Field != refused.field || fault.Hint == "" {
			t.Errorf("%s: got %+v", name, fault)
		}
	}
	if err := accounts.ChangePassword(t.Context(), 1, oneTime, "Correct-Horse-7"); err != nil {
		t.Fatal(err)
	}
	account, err := accounts.SignIn(t.Context(), "", "Correct-Horse-7")
	if err != nil || account.MustChange {
		t.Errorf("signed in as %+v, %v", account, err)
	}
}

func TestAccounts_ResetGivesAOneTimePassword(t *testing.T) {
	accounts := newTestAccounts(&book{}, "")
	first := ensureOperator(t, accounts)[0]
	second, err := accounts.Reset(t.Context(), OperatorName)
	if err != nil || second == first {
		t.Fatalf("reset gave %q, %v", second, err)
	}
	if _, err := accounts.SignIn(t.Context(), "", first); problem.KindOf(err) != problem.KindUnauthorized {
		t.Errorf("the old password: %v", err)
	}
	if account, err := accounts.SignIn(t.Context(), "", second); err != nil || !account.MustChange {
		t.Errorf("signed in as %+v, %v", account, err)
	}
	if _, err := accounts.Reset(t.Context(), "nobody"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("reset of nobody: %v", err)
	}
}

func TestAccounts_WarnOfAWeakConfiguredPasswordWithoutShowingIt(t *testing.T) {
	var log strings.Builder
	accounts := newTestAccounts(&book{}, "hunter2")
	accounts.logger = slog.New(slog.NewTextHandler(&log, nil))
	ensureOperator(t, accounts)
	if !strings.Contains(log.String(), "weak") || strings.Contains(log.String(), "hunter2") {
		t.Errorf("log: %s", log.String())
	}
}

func TestAccounts_RefuseAConfiguredPasswordThatBcryptWouldCutOff(t *testing.T) {
	long := secret.Text(strings.Repeat("x", secret.MaxPasswordBytes+1))
	accounts := NewAccounts(&book{}, long, slog.New(slog.DiscardHandler))
	if err := accounts.EnsureOperator(t.Context(), func(string) {}); !errors.Is(err, secret.ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestAccounts_HashWithBcryptAndDoItsWorkForAMissingName(t *testing.T) {
	book := &book{}
	accounts := NewAccounts(book, "Configured-7", slog.New(slog.DiscardHandler))
	ensureOperator(t, accounts)
	if !strings.HasPrefix(book.accounts[0].PasswordHash, "$2a$12$") {
		t.Errorf("stored: %s", book.accounts[0].PasswordHash)
	}
	if _, err := accounts.SignIn(t.Context(), "", "Configured-7"); err != nil {
		t.Error(err)
	}
	verified := ""
	accounts.verifyPassword = func(hash, password string) bool { verified += hash + "|" + password; return false }
	if _, err := accounts.SignIn(t.Context(), "nobody", "x"); problem.KindOf(err) != problem.KindUnauthorized || verified != "|x" {
		t.Errorf("verified %q, %v", verified, err)
	}
}

func TestAccounts_EveryFailureOfALoginCostsExactlyOneComparison(t *testing.T) {
	accounts := newTestAccounts(&book{}, "Configured-7")
	ensureOperator(t, accounts)
	calls := 0
	accounts.verifyPassword = func(string, string) bool { calls++; return false }
	for _, tried := range [][2]string{
		{"nobody", "x"},
		{"", ""},
		{OperatorName, ""},
		{OperatorName, "wrong"},
		{"ADMIN", "Configured-7"},
		{strings.Repeat("n", 5000), "x"},
		{OperatorName, strings.Repeat("p", 500)},
		{"x' OR '1'='1", "x"},
	} {
		calls = 0
		if _, err := accounts.SignIn(t.Context(), tried[0], tried[1]); problem.KindOf(err) != problem.KindUnauthorized || calls != 1 {
			t.Errorf("%.20q with %.20q: %d comparisons, %v", tried[0], tried[1], calls, err)
		}
	}
}

func TestAccounts_TellTheRecordOnlyNamesThatExistAndNeverAnID(t *testing.T) {
	accounts := newTestAccounts(&book{}, "Configured-7")
	ensureOperator(t, accounts)
	for name, recorded := range map[string]string{"": OperatorName, OperatorName: OperatorName, "my-password-by-mistake": ""} {
		if account, _ := accounts.SignIn(t.Context(), name, "wrong"); account.ID != 0 || account.Name != recorded {
			t.Errorf("%q: %+v", name, account)
		}
	}
}

// newTestAccounts hashes without the work of bcrypt.
func newTestAccounts(book *book, fixed secret.Text) *Accounts {
	accounts := NewAccounts(book, fixed, slog.New(slog.DiscardHandler))
	accounts.hashPassword = func(password string) (string, error) { return "hash of " + password, nil }
	accounts.verifyPassword = func(hash, password string) bool { return hash == "hash of "+password }
	return accounts
}

func ensureOperator(t *testing.T, accounts *Accounts) (shown []string) {
	t.Helper()
	if err := accounts.EnsureOperator(t.Context(), func(password string) { shown = append(shown, password) }); err != nil {
		t.Fatal(err)
	}
	return shown
}
