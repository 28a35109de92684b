package store_test

import (
	"testing"
	"time"

	"berth/controller"
)

func TestCreateToken_IsFoundByItsHash(t *testing.T) {
	ledger := fresh(t)
	token, err := ledger.CreateToken(t.Context(), newToken("a"))
	must(t, err)
	found, err := ledger.FindToken(t.Context(), "a")
	must(t, err)
	want := newToken("a")
	want.ID = token.ID
	if token.ID == 0 || token != want || found != want {
		t.Fatalf("want %+v, got %+v and %+v", want, token, found)
	}
	_, err = ledger.FindToken(t.Context(), "b")
	wantError(t, err, controller.ErrNotFound)
}

func TestCreateToken_RefusesAnUnknownScopeAndAHashTwice(t *testing.T) {
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

func TestDeleteExpiredTokens_RemovesThoseAndGivesNoIDAgain(t *testing.T) {
	ledger, ctx := fresh(t), t.Context()
	first, err := ledger.CreateToken(ctx, newToken("a"))
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, first.ExpiresAt.Add(-time.Microsecond)))
	_, err = ledger.FindToken(ctx, "a")
	must(t, err)
	must(t, ledger.DeleteExpiredTokens(ctx, first.ExpiresAt))
	_, err = ledger.FindToken(ctx, "a")
	wantError(t, err, controller.ErrNotFound)

	second, err := ledger.CreateToken(ctx, newToken("b"))
	must(t, err)
	if second.ID == first.ID {
		t.Fatalf("the id %d was given out twice", first.ID)
	}
}

func newToken(hash string) controller.Token {
	return controller.Token{
		Name: "ci", Hash: hash, Scope: controller.ScopeDeploy, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}
