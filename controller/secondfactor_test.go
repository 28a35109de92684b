package controller_test

import (
	"bytes"
	"encoding/base32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/secret"
)

func TestSecondFactors_EnrolmentNeedsThePasswordAndACodeOfThePhone(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	if _, err := h.factors.Begin(t.Context(), h.admin, "wrong"); fieldOf(err) != "password" {
		t.Errorf("wrong password: %v", err)
	}
	sealed, err := h.factors.Begin(t.Context(), h.admin, peoplePassword)
	if err != nil {
		t.Fatal(err)
	}
	if h.find(t, "admin").SecondFactor {
		t.Error("it is on before the phone has shown that it has the key")
	}
	if _, err := h.factors.Confirm(t.Context(), h.admin.ID, sealed, "000000"); fieldOf(err) != "code" {
		t.Errorf("wrong code: %v", err)
	}
	codes, err := h.factors.Confirm(t.Context(), h.admin.ID, sealed, h.code(t, sealed, 0))
	if err != nil || len(codes) != account.RecoveryCodes {
		t.Fatalf("%q, %v", codes, err)
	}
	admin := h.find(t, "admin")
	if !admin.SecondFactor || admin.RecoveryCodes != account.RecoveryCodes {
		t.Errorf("%+v", admin)
	}
	if _, err := h.factors.Begin(t.Context(), admin, peoplePassword); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a second one: %v", err)
	}
	if _, err := h.factors.Confirm(t.Context(), admin.ID, sealed, h.code(t, sealed, 1)); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("confirmed twice: %v", err)
	}
}

func TestSecondFactors_AKeySealedForOneAccountOpensForNoOther(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	bob := h.account(t, "bob")
	sealed, err := h.factors.Begin(t.Context(), h.admin, peoplePassword)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.factors.Confirm(t.Context(), bob.ID, sealed, h.code(t, sealed, 0)); err == nil {
		t.Error("bob took over the key of admin")
	}
}

func TestSecondFactors_ReplayOfACodeIsRefused(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, _ := h.enable(t, h.admin)
	if _, err := h.factors.Check(t.Context(), h.admin.ID, h.code(t, sealed, 0)); fieldOf(err) != "code" {
		t.Errorf("the code of the enrolment works again: %v", err)
	}
	next := h.code(t, sealed, 1)
	if recovery, err := h.factors.Check(t.Context(), h.admin.ID, next[:3]+" "+next[3:]); err != nil || recovery {
		t.Errorf("the next code: %t, %v", recovery, err)
	}
	if _, err := h.factors.Check(t.Context(), h.admin.ID, next); fieldOf(err) != "code" {
		t.Errorf("a second time: %v", err)
	}
}

func TestSecondFactors_OfManyRequestsWithOneCodeOneGetsIn(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, recovery := h.enable(t, h.admin)
	for what, code := range map[string]string{"phone": h.code(t, sealed, 1), "recovery": recovery[0]} {
		var group sync.WaitGroup
		results := make(chan error, 12)
		for range cap(results) {
			group.Go(func() {
				_, err := h.factors.Check(t.Context(), h.admin.ID, code)
				results <- err
			})
		}
		group.Wait()
		close(results)
		passed := 0
		for err := range results {
			if err == nil {
				passed++
			}
		}
		if passed != 1 {
			t.Errorf("%s: %d got in", what, passed)
		}
	}
}

func TestSecondFactors_CodesOfAnotherAccountAreRefused(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	bob := h.account(t, "bob")
	_, mine := h.enable(t, h.admin)
	theirs, their := h.enable(t, bob)
	for what, code := range map[string]string{"code": h.code(t, theirs, 1), "recovery code": their[0]} {
		if _, err := h.factors.Check(t.Context(), h.admin.ID, code); fieldOf(err) != "code" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if recovery, err := h.factors.Check(t.Context(), bob.ID, strings.ToLower(their[0])); err != nil || !recovery {
		t.Errorf("bob's own: %v", err)
	}
	if recovery, err := h.factors.Check(t.Context(), h.admin.ID, mine[3]); err != nil || !recovery {
		t.Errorf("my own: %v", err)
	}
}

func TestSecondFactors_ARecoveryCodeWorksOnceAndRenewalEndsTheOldOnes(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, codes := h.enable(t, h.admin)
	if _, err := h.factors.Check(t.Context(), h.admin.ID, codes[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := h.factors.Check(t.Context(), h.admin.ID, codes[0]); fieldOf(err) != "code" {
		t.Errorf("a second time: %v", err)
	}
	if left := h.find(t, "admin").RecoveryCodes; left != account.RecoveryCodes-1 {
		t.Errorf("%d are left", left)
	}
	if _, err := h.factors.RenewRecoveryCodes(t.Context(), h.admin.ID, "wrong", h.code(t, sealed, 1)); fieldOf(err) != "password" {
		t.Errorf("wrong password: %v", err)
	}
	renewed, err := h.factors.RenewRecoveryCodes(t.Context(), h.admin.ID, peoplePassword, h.code(t, sealed, 1))
	if err != nil || len(renewed) != account.RecoveryCodes || slices.Contains(renewed, codes[1]) {
		t.Fatalf("%q, %v", renewed, err)
	}
	if _, err := h.factors.Check(t.Context(), h.admin.ID, codes[1]); fieldOf(err) != "code" {
		t.Errorf("an old one: %v", err)
	}
}

func TestSecondFactors_DisableNeedsPasswordAndCode(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, codes := h.enable(t, h.admin)
	if err := h.factors.Disable(t.Context(), h.admin.ID, peoplePassword, "000000"); fieldOf(err) != "code" {
		t.Errorf("wrong code: %v", err)
	}
	code := h.code(t, sealed, 1)
	if err := h.factors.Disable(t.Context(), h.admin.ID, "wrong", code); fieldOf(err) != "password" {
		t.Errorf("wrong password: %v", err)
	}
	if err := h.factors.Disable(t.Context(), h.admin.ID, peoplePassword, code); err != nil {
		t.Fatal(err) // also shows that a wrong password uses no code up
	}
	admin := h.find(t, "admin")
	if admin.SecondFactor || admin.RecoveryCodes != 0 {
		t.Errorf("%+v", admin)
	}
	if _, err := h.factors.Check(t.Context(), h.admin.ID, codes[0]); fieldOf(err) != "code" {
		t.Errorf("a code of one that is gone: %v", err)
	}
}

func TestSecondFactors_AnotherKeyOpensNothingButRecoveryCodesStillWork(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, codes := h.enable(t, h.admin)
	moved := account.NewSecondFactors(h.store, h.accounts, keyOf(t, "another"), slog.New(slog.DiscardHandler))
	if _, err := moved.Check(t.Context(), h.admin.ID, h.code(t, sealed, 1)); err == nil {
		t.Error("opened with another key")
	}
	if _, err := moved.Check(t.Context(), h.admin.ID, codes[0]); err != nil {
		t.Error(err)
	}
}

func TestSecondFactors_NothingInTheDatabaseFileOpensAnAccount(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	sealed, codes := h.enable(t, h.admin)
	key, err := h.factors.SharedKey(h.admin.ID, sealed)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(key.Text().Reveal(), " ", "")
	raw, err := base32.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 20 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	files, _ := filepath.Glob(h.path + "*")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, hidden := range map[string][]byte{
			"the key": []byte(text), "its bytes": raw, "a recovery code": []byte(codes[0]), "one without hyphens": []byte(strings.ReplaceAll(codes[0], "-", "")),
		} {
			if bytes.Contains(content, hidden) {
				t.Errorf("%s holds %s", filepath.Base(file), what)
			}
		}
	}
	if len(files) < 2 {
		t.Errorf("looked into %q only", files)
	}
}

func TestAccounts_RemoveSecondFactorIsForOneThatIsThere(t *testing.T) {
	t.Parallel()
	h := newFactors(t)
	h.enable(t, h.admin)
	if _, err := h.accounts.Reset(t.Context(), "admin"); err != nil || !h.find(t, "admin").SecondFactor {
		t.Errorf("a reset of the password took the second factor along: %v", err)
	}
	if err := h.accounts.RemoveSecondFactor(t.Context(), "admin"); err != nil || h.find(t, "admin").SecondFactor {
		t.Errorf("%v", err)
	}
	if err := h.accounts.RemoveSecondFactor(t.Context(), "admin"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("twice: %v", err)
	}
}

// factorBench are people with second factors.
type factorBench struct {
	*people
	factors *account.SecondFactors
}

func newFactors(t *testing.T) *factorBench {
	t.Helper()
	h := newPeople(t)
	return &factorBench{h, account.NewSecondFactors(h.store, h.accounts, keyOf(t, "a key of the tests"), slog.New(slog.DiscardHandler))}
}

func keyOf(t *testing.T, text string) secret.Key {
	t.Helper()
	key, err := secret.DeriveKey(secret.Text(text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// enable turns the second factor of an account on with the present code.
func (h *factorBench) enable(t *testing.T, account account.Account) (sealed []byte, codes []string) {
	t.Helper()
	sealed, err := h.factors.Begin(t.Context(), account, peoplePassword)
	if err != nil {
		t.Fatal(err)
	}
	if codes, err = h.factors.Confirm(t.Context(), account.ID, sealed, h.code(t, sealed, 0)); err != nil {
		t.Fatal(err)
	}
	return sealed, codes
}

// code is what the phone shows, some steps from now.
func (h *factorBench) code(t *testing.T, sealed []byte, steps int) string {
	t.Helper()
	for _, name := range []string{"admin", "bob"} {
		account, err := h.store.FindAccountByName(t.Context(), name)
		if err != nil {
			continue
		}
		key, err := h.factors.SharedKey(account.ID, sealed)
		if err != nil {
			continue
		}
		code, err := totp.GenerateCode(strings.ReplaceAll(key.Text().Reveal(), " ", ""), time.Now().Add(time.Duration(steps)*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	t.Fatal("the key opens for nobody")
	return ""
}

func (h *factorBench) find(t *testing.T, name string) account.Account {
	t.Helper()
	account, err := h.store.FindAccountByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return account
}
