package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

func TestPasswd_ResetsTheNamedAccountAndLeavesTheSecondFactorUnlessAsked(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if _, err := secret.LoadKey(filepath.Join(folder, "secret.key")); err != nil { // as the server makes it
		t.Fatal(err)
	}
	for _, name := range []string{"admin", "jane"} {
		who, err := ledger.CreateAccount(t.Context(), account.Account{Name: name, PasswordHash: "x", CreatedAt: time.Now()})
		now := time.Now()
		err = errors.Join(err,
			ledger.CreateSession(t.Context(), account.Session{Hash: "of " + name, Account: who.ID, CreatedAt: now, SeenAt: now}),
			ledger.CreateSecondFactor(t.Context(), account.SecondFactor{Account: who.ID, Sealed: []byte("x"), LastStep: 1, CreatedAt: now}, nil))
		if err != nil {
			t.Fatal(err)
		}
	}
	passwd := func(environment []string, args ...string) (string, error) {
		output := &lockedBuffer{}
		err := run(t.Context(), append([]string{"passwd"}, args...), append(environment, "BERTH_DATA_FOLDER="+folder), output, output)
		return output.String(), err
	}
	hasFactor := func(name string) bool {
		account, err := ledger.FindAccountByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return account.SecondFactor
	}

	output, err := passwd(nil, "jane")
	if err != nil || !strings.Contains(output, "as jane with the\none-time password: ") || !hasFactor("jane") {
		t.Errorf("reset: %v, second factor %t: %s", err, hasFactor("jane"), output)
	}
	if _, err := ledger.FindSession(t.Context(), "of jane"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("her session: %v", err)
	}
	if _, err := ledger.FindSession(t.Context(), "of admin"); err != nil || !hasFactor("admin") {
		t.Errorf("the operator's session: %v", err)
	}
	output, err = passwd(nil, "--remove-second-factor", "jane")
	if err != nil || hasFactor("jane") || !strings.Contains(output, "Two-factor authentication of jane is off.") {
		t.Errorf("removal: %v: %s", err, output)
	}
	// A password of the configuration is not reset, and its owner can have lost the phone all the same.
	if _, err = passwd([]string{"BERTH_ADMIN_PASSWORD=Configured-7"}, "--remove-second-factor"); exitCode(err) != exitRefused || hasFactor("admin") {
		t.Errorf("configured: %v", err)
	}
	if _, err = passwd(nil, "nobody"); exitCode(err) != exitNotFound {
		t.Errorf("nobody: %v", err)
	}
}
