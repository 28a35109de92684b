package store_test

import (
	"testing"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/store"
)

func TestCreateAccount_IsFoundByIDAndByName(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	created := createAccount(t, ledger, "admin")
	byID, err := ledger.FindAccount(t.Context(), created.ID)
	must(t, err)
	byName, err := ledger.FindAccountByName(t.Context(), "admin")
	must(t, err)
	want := account.Account{ID: created.ID, Name: "admin", PasswordHash: "hash", MustChange: true, CreatedAt: noon}
	if created.ID == 0 || created != want || byID != want || byName != want {
		t.Fatalf("want %+v, got %+v, %+v and %+v", want, created, byID, byName)
	}
}

func TestCreateAccount_RefusesATakenName(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createAccount(t, ledger, "admin")
	_, err := ledger.CreateAccount(t.Context(), account.Account{Name: "admin", PasswordHash: "other", CreatedAt: noon})
	wantError(t, err, problem.ErrNameTaken)
}

func TestFindAccount_SaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	_, err := ledger.FindAccount(t.Context(), 7)
	wantError(t, err, problem.ErrNotFound)
	_, err = ledger.FindAccountByName(t.Context(), "admin")
	wantError(t, err, problem.ErrNotFound)
}

func TestUpdatePassword_EndsEverySessionOfTheAccountAndNoOther(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	for hash, account := range map[string]int64{"a": admin.ID, "b": admin.ID, "c": guest.ID, "d": 0} {
		saveSession(t, ledger, hash, account)
	}

	must(t, ledger.UpdatePassword(ctx, admin.ID, "new", false))

	wantSessions(t, ledger, map[string]bool{"a": false, "b": false, "c": true, "d": true})
	changed, err := ledger.FindAccount(ctx, admin.ID)
	must(t, err)
	if changed.PasswordHash != "new" || changed.MustChange {
		t.Fatalf("got %+v", changed)
	}
	wantError(t, ledger.UpdatePassword(ctx, 99, "new", false), problem.ErrNotFound)
}

func createAccount(t *testing.T, ledger *store.Store, name string) account.Account {
	t.Helper()
	account, err := ledger.CreateAccount(t.Context(), account.Account{
		Name: name, PasswordHash: "hash", MustChange: true, CreatedAt: noon,
	})
	must(t, err)
	return account
}
