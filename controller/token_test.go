package controller

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"berth/controller/secret"
)

// tokenBook is a TokenLedger in memory, by hash.
type tokenBook map[string]Token

func (b tokenBook) CreateToken(_ context.Context, token Token) (Token, error) {
	token.ID = int64(len(b) + 1)
	b[token.Hash] = token
	return token, nil
}

func (b tokenBook) FindToken(_ context.Context, hash string) (Token, error) {
	if token, ok := b[hash]; ok {
		return token, nil
	}
	return Token{}, ErrNotFound
}

func (b tokenBook) DeleteExpiredTokens(_ context.Context, now time.Time) error {
	for hash, token := range b {
		if !token.ExpiresAt.After(now) {
			delete(b, hash)
		}
	}
	return nil
}

func TestTokens_VerifyWhatTheyMintedUntilItExpires(t *testing.T) {
	book := tokenBook{}
	tokens := NewTokens(book, slog.New(slog.DiscardHandler))
	plain, err := tokens.MintToken(t.Context(), TokenOptions{Name: "laptop", Scope: ScopeDeploy, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.VerifyToken(t.Context(), plain)
	if err != nil || token.Name != "laptop" || token.Scope != ScopeDeploy {
		t.Errorf("verified as %+v, %v", token, err)
	}
	tokens.now = func() time.Time { return token.ExpiresAt }
	if _, err := tokens.VerifyToken(t.Context(), plain); KindOf(err) != KindUnauthorized {
		t.Errorf("expired: %v", err)
	}
}

func TestTokens_KeepOnlyTheHash(t *testing.T) {
	book := tokenBook{}
	plain, err := NewTokens(book, slog.New(slog.DiscardHandler)).
		MintToken(t.Context(), TokenOptions{Name: "laptop", Scope: ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := book[secret.HashToken(plain)]; !ok || len(book) != 1 {
		t.Errorf("kept: %v", book)
	}
}

func TestTokens_RefuseAnUnknownOne(t *testing.T) {
	tokens := NewTokens(tokenBook{}, slog.New(slog.DiscardHandler))
	for _, plain := range []string{"", "berth_", "x"} {
		if _, err := tokens.VerifyToken(t.Context(), plain); KindOf(err) != KindUnauthorized {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

func TestTokens_RefuseToMintWithoutALimit(t *testing.T) {
	good := TokenOptions{Name: "laptop", Scope: ScopeRead, TTL: time.Hour}
	for field, spoil := range map[string]func(*TokenOptions){
		"name":  func(o *TokenOptions) { o.Name = "" },
		"scope": func(o *TokenOptions) { o.Scope = "" },
		"ttl":   func(o *TokenOptions) { o.TTL = 0 },
	} {
		options := good
		spoil(&options)
		_, err := NewTokens(tokenBook{}, slog.New(slog.DiscardHandler)).MintToken(t.Context(), options)
		if KindOf(err) != KindInvalid {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTokens_RefuseANameThatWouldForgeALogLine(t *testing.T) {
	for _, name := range []string{"two\nlines", "\x1b[31m", strings.Repeat("x", 61)} {
		options := TokenOptions{Name: name, Scope: ScopeRead, TTL: time.Hour}
		_, err := NewTokens(tokenBook{}, slog.New(slog.DiscardHandler)).MintToken(t.Context(), options)
		if KindOf(err) != KindInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestScope_AllowsItselfAndTheNarrowerOnes(t *testing.T) {
	scopes := []Scope{ScopeRead, ScopeDeploy, ScopeAdmin}
	for i, held := range scopes {
		for j, wanted := range scopes {
			if held.Allows(wanted) != (i >= j) {
				t.Errorf("%s allows %s: %t", held, wanted, i < j)
			}
		}
	}
}

func TestScope_AllowsNothingWhereOneSideIsUnknown(t *testing.T) {
	if Scope("").Allows("") || Scope("root").Allows(ScopeRead) || ScopeAdmin.Allows("") || ScopeAdmin.Allows("root") {
		t.Error("an unknown scope allowed something")
	}
}
