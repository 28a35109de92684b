package controller_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/store"
)

func TestParseAccountName_TakesNoNameThatCouldBeTakenForAnother(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bob", "bob.smith", "bob-2", "b", strings.Repeat("b", 32)} {
		if parsed, err := account.ParseName(name); err != nil || parsed != name {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "Bob", "bob ", " bob", "bob smith", "böb", "2bob", "-bob", "bob-", "bob..smith", "../../etc/passwd", "bob\x00",
		"bob\n", "<b>bob", "token bob", strings.Repeat("b", 33), "аdmin",
	} {
		if _, err := account.ParseName(name); problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAccounts_CreateGivesAOneTimePasswordThatMustBeChanged(t *testing.T) {
	t.Parallel()
	h := newPeople(t)
	password, err := h.accounts.Create(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	bob, err := h.accounts.SignIn(t.Context(), "bob", password)
	if err != nil || !bob.MustChange {
		t.Errorf("%+v, %v", bob, err)
	}
	if _, err := h.accounts.Create(t.Context(), "bob"); fieldOf(err) != "name" || problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a second bob: %v", err)
	}
	if several, err := h.accounts.Several(t.Context()); err != nil || !several {
		t.Errorf("several %t, %v", several, err)
	}
}

func TestAccounts_RemoveWantsTheNameAndSparesOneselfAndTheOperator(t *testing.T) {
	t.Parallel()
	h := newPeople(t)
	bob := h.account(t, "bob")
	for what, refused := range map[string]error{
		"oneself":      h.accounts.Remove(t.Context(), bob.ID, "bob", "bob"),
		"the operator": h.accounts.Remove(t.Context(), bob.ID, "admin", "admin"),
		"unconfirmed":  h.accounts.Remove(t.Context(), h.admin.ID, "bob", "bo"),
		"nobody":       h.accounts.Remove(t.Context(), h.admin.ID, "eve", "eve"),
	} {
		if _, ok := errors.AsType[*problem.Problem](refused); !ok {
			t.Errorf("%s: %v", what, refused)
		}
	}
	h.session(t, "of bob", bob.ID)
	if err := h.accounts.Remove(t.Context(), h.admin.ID, "bob", "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.FindSession(t.Context(), "of bob"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("his session: %v", err)
	}
	if _, err := h.store.FindAccountByName(t.Context(), "bob"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("his account: %v", err)
	}
}

func TestAccounts_ResetOfAnotherEndsTheirSessionsAlsoHalfwayThroughALogin(t *testing.T) {
	t.Parallel()
	h := newPeople(t)
	bob := h.account(t, "bob")
	h.session(t, "of bob", bob.ID)
	h.session(t, "of admin", h.admin.ID)
	now := time.Now()
	if err := h.store.CreateSession(t.Context(), account.Session{Hash: "pending", Pending: bob.ID, CreatedAt: now, SeenAt: now}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.accounts.ResetOther(t.Context(), bob.ID, "bob"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("one's own: %v", err)
	}
	password, err := h.accounts.ResetOther(t.Context(), h.admin.ID, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if bob, err := h.accounts.SignIn(t.Context(), "bob", password); err != nil || !bob.MustChange {
		t.Errorf("%+v, %v", bob, err)
	}
	for hash, stands := range map[string]bool{"of bob": false, "pending": false, "of admin": true} {
		if _, err := h.store.FindSession(t.Context(), hash); (err == nil) != stands {
			t.Errorf("session %q: %v", hash, err)
		}
	}
}

func TestDeleteAccount_NeverRemovesTheLastOne(t *testing.T) {
	t.Parallel()
	h := newPeople(t)
	if err := h.store.DeleteAccount(t.Context(), h.admin.ID); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// people are the accounts over a real ledger, with passwords that cost nothing.
type people struct {
	path     string
	store    *store.Store
	accounts *account.Accounts
	admin    account.Account
}

const peoplePassword = "Correct-Horse-7"

func newPeople(t *testing.T) *people {
	t.Helper()
	h := &people{path: filepath.Join(t.TempDir(), "berth.db")}
	var err error
	if h.store, err = store.Open(t.Context(), h.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	h.accounts = account.NewAccounts(h.store, "", slog.New(slog.DiscardHandler))
	h.accounts.UseHasher(
		func(password string) (string, error) { return "hash of " + password, nil },
		func(hash, password string) bool { return hash == "hash of "+password },
	)
	h.admin = h.account(t, account.OperatorName)
	return h
}

// account makes an account with the common password.
func (h *people) account(t *testing.T, name string) account.Account {
	t.Helper()
	account, err := h.store.CreateAccount(t.Context(), account.Account{
		Name: name, PasswordHash: "hash of " + peoplePassword, CreatedAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func (h *people) session(t *testing.T, hash string, who int64) {
	t.Helper()
	now := time.Now()
	if err := h.store.CreateSession(t.Context(), account.Session{Hash: hash, Account: who, CreatedAt: now, SeenAt: now}); err != nil {
		t.Fatal(err)
	}
}

func fieldOf(err error) string {
	problem, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return "not a problem"
	}
	return problem.Field
}
