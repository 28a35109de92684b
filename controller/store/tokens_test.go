package store_test

import (
	"reflect"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
)

func TestCreateToken_IsFoundByItsHash(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	token, err := ledger.CreateToken(t.Context(), newToken("a"))
	must(t, err)
	found, err := ledger.FindToken(t.Context(), "a")
	must(t, err)
	want := newToken("a")
	want.ID = token.ID
	if token.ID == 0 || !reflect.DeepEqual(token, want) || !reflect.DeepEqual(found, want) {
		t.Fatalf("want %+v, got %+v and %+v", want, token, found)
	}
	_, err = ledger.FindToken(t.Context(), "b")
	wantError(t, err, problem.ErrNotFound)
}

func TestCreateToken_RefusesAnUnknownScopeAndAHashTwice(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	odd := newToken("a")
	odd.Scope = "root"
	if _, err := ledger.CreateToken(t.Context(), odd); err == nil {
		t.Error("a token with an unknown scope was stored")
	}
	_, err := ledger.CreateToken(t.Context(), newToken("a"))
	must(t, err)
	if _, err := ledger.CreateToken(t.Context(), newToken("a")); err == nil {
		t.Error("two tokens with one hash were stored")
	}
}

func TestCreateToken_KeepsTheScopeMetricsWhereAnOlderBerthFindsNothing(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	token := newToken("a")
	token.Scope = account.ScopeMetrics
	made, err := ledger.CreateToken(ctx, token)
	must(t, err)
	found, err := ledger.FindToken(ctx, "a")
	must(t, err)
	listed, err := ledger.Tokens(ctx)
	must(t, err)
	revoked, err := ledger.RevokeToken(ctx, made.ID, noon)
	must(t, err)
	for _, got := range []account.Token{made, found, listed[0], revoked} {
		if got.Scope != account.ScopeMetrics || got.Scope.Allows(account.ScopeRead) {
			t.Errorf("the scope is %q", got.Scope)
		}
	}
}

func TestTokens_KeepWhoWhereAndWhen(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	who, err := ledger.CreateAccount(ctx, account.Account{Name: "ada", PasswordHash: "x", CreatedAt: noon})
	must(t, err)
	want := newToken("a")
	want.Account = who.ID
	want.Ranges, err = account.ParseAddressRanges("10.0.0.0/8, ::1")
	must(t, err)
	token, err := ledger.CreateToken(ctx, want)
	must(t, err)
	must(t, ledger.RecordTokenUse(ctx, token.ID, noon.Add(time.Minute), "10.1.2.3"))
	revoked, err := ledger.RevokeToken(ctx, token.ID, noon.Add(time.Hour))
	must(t, err)
	_, err = ledger.RevokeToken(ctx, token.ID, noon.Add(2*time.Hour))
	must(t, err)

	want.ID, want.CreatedBy, want.UsedAt, want.UsedFrom, want.RevokedAt = token.ID, "ada", noon.Add(time.Minute), "10.1.2.3", noon.Add(time.Hour)
	found, err := ledger.FindToken(ctx, "a")
	must(t, err)
	if !reflect.DeepEqual(found, want) {
		t.Errorf("want %+v, got %+v", want, found)
	}
	want.Hash = ""
	list, err := ledger.Tokens(ctx)
	must(t, err)
	if len(list) != 1 || !reflect.DeepEqual(list[0], want) || !reflect.DeepEqual(revoked, want) {
		t.Errorf("want %+v, got %+v and %+v", want, list, revoked)
	}
	_, err = ledger.RevokeToken(ctx, 99, noon)
	wantError(t, err, problem.ErrNotFound)
	wantError(t, ledger.RecordTokenUse(ctx, 99, noon, "::1"), problem.ErrNotFound)
}

func TestTokens_GoWithTheirAccount(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	account, err := ledger.CreateAccount(ctx, account.Account{Name: "ada", PasswordHash: "x", CreatedAt: noon})
	must(t, err)
	hers := newToken("hers")
	hers.Account = account.ID
	_, err = ledger.CreateToken(ctx, hers)
	must(t, err)
	_, err = ledger.CreateToken(ctx, newToken("other"))
	must(t, err)

	writer, _ := ledger.Pools()
	_, err = writer.ExecContext(ctx, `DELETE FROM accounts WHERE id = ?`, account.ID)
	must(t, err)
	_, err = ledger.FindToken(ctx, "hers")
	wantError(t, err, problem.ErrNotFound)
	_, err = ledger.FindToken(ctx, "other")
	must(t, err)
}

func TestFindToken_WithARangeThatCannotBeReadIsAnErrorAndNoToken(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	_, err := ledger.CreateToken(ctx, newToken("a"))
	must(t, err)
	writer, _ := ledger.Pools()
	_, err = writer.ExecContext(ctx, `UPDATE tokens SET ranges = '10.0.0.0/99'`)
	must(t, err)
	if token, err := ledger.FindToken(ctx, "a"); err == nil {
		t.Errorf("found %+v", token)
	}
}

func TestDeleteExpiredTokens_RemovesRevokedOnesToo(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	token, err := ledger.CreateToken(ctx, newToken("a"))
	must(t, err)
	_, err = ledger.RevokeToken(ctx, token.ID, noon)
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, noon.Add(-time.Microsecond)))
	_, err = ledger.FindToken(ctx, "a")
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, noon))
	_, err = ledger.FindToken(ctx, "a")
	wantError(t, err, problem.ErrNotFound)
}

func TestDeleteExpiredTokens_RemovesThoseAndGivesNoIDAgain(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	first, err := ledger.CreateToken(ctx, newToken("a"))
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, first.ExpiresAt.Add(-time.Microsecond)))
	_, err = ledger.FindToken(ctx, "a")
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, first.ExpiresAt))
	_, err = ledger.FindToken(ctx, "a")
	wantError(t, err, problem.ErrNotFound)

	second, err := ledger.CreateToken(ctx, newToken("b"))
	must(t, err)
	if second.ID == first.ID {
		t.Fatalf("the id %d was given out twice", first.ID)
	}
}

func newToken(hash string) account.Token {
	return account.Token{
		Name: "ci", Hash: hash, Scope: account.ScopeDeploy, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}
