package account

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"berth/controller/problem"
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
	return Token{}, problem.ErrNotFound
}

func (b tokenBook) Tokens(context.Context) ([]Token, error) {
	var all []Token
	for _, token := range b {
		all = append(all, token)
	}
	return all, nil
}

func (b tokenBook) RevokeToken(_ context.Context, id int64, at time.Time) (Token, error) {
	for hash, token := range b {
		if token.ID == id {
			token.RevokedAt = at
			b[hash] = token
			return token, nil
		}
	}
	return Token{}, problem.ErrNotFound
}

func (b tokenBook) RecordTokenUse(_ context.Context, id int64, at time.Time, from string) error {
	for hash, token := range b {
		if token.ID == id {
			token.UsedAt, token.UsedFrom = at, from
			b[hash] = token
		}
	}
	return nil
}

func (b tokenBook) DeleteExpiredTokens(_ context.Context, now time.Time) error {
	for hash, token := range b {
		if !token.ExpiresAt.After(now) {
			delete(b, hash)
		}
	}
	return nil
}

var home = netip.MustParseAddr("192.0.2.7")

// minted is a service with one token, which now holds.
func minted(t *testing.T, options TokenOptions) (tokens *Tokens, book tokenBook, plain string) {
	t.Helper()
	book = tokenBook{}
	tokens = NewTokens(book, slog.New(slog.DiscardHandler))
	plain, err := tokens.MintToken(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return tokens, book, plain
}

var aToken = TokenOptions{Name: "laptop", Scope: ScopeRead, TTL: time.Hour}

func TestTokens_RevokedOneEndsAtOnce(t *testing.T) {
	tokens, _, plain := minted(t, aToken)
	if _, err := tokens.VerifyToken(t.Context(), plain, home); err != nil {
		t.Fatal(err)
	}
	if token, err := tokens.Revoke(t.Context(), 1); err != nil || token.Name != "laptop" {
		t.Fatalf("revoke: %+v, %v", token, err)
	}
	if _, err := tokens.VerifyToken(t.Context(), plain, home); problem.KindOf(err) != problem.KindUnauthorized {
		t.Errorf("revoked: %v", err)
	}
	if _, err := tokens.Revoke(t.Context(), 9); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestTokens_HoldOnlyFromTheirRange(t *testing.T) {
	ranges, err := ParseAddressRanges("192.0.2.0/24, 2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	options := aToken
	options.Ranges = ranges
	tokens, book, plain := minted(t, options)
	for address, holds := range map[string]bool{
		"192.0.2.7": true, "::ffff:192.0.2.7": true, "2001:db8::1": true,
		"192.0.3.7": false, "2001:db8::2": false, "127.0.0.1": false,
	} {
		if _, err := tokens.VerifyToken(t.Context(), plain, netip.MustParseAddr(address)); (err == nil) != holds {
			t.Errorf("from %s: %v", address, err)
		}
	}
	if _, err := tokens.VerifyToken(t.Context(), plain, netip.Addr{}); err == nil {
		t.Error("an unknown address was let in")
	}
	if used := book[secret.HashToken(plain)]; used.UsedFrom != "192.0.2.7" && used.UsedFrom != "2001:db8::1" {
		t.Errorf("used from %q", used.UsedFrom)
	}
}

func TestTokens_TellNothingOfWhyTheyRefuse(t *testing.T) {
	tokens, _, plain := minted(t, aToken)
	_, unknown := tokens.VerifyToken(t.Context(), "berth_unknown", home)
	if _, err := tokens.Revoke(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	_, revoked := tokens.VerifyToken(t.Context(), plain, home)
	tokens.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	_, expired := tokens.VerifyToken(t.Context(), plain, home)
	for _, err := range []error{revoked, expired} {
		one, _ := errors.AsType[*problem.Problem](err)
		other, _ := errors.AsType[*problem.Problem](unknown)
		if one == nil || other == nil || one.Message != other.Message || one.Hint != other.Hint || one.Kind != other.Kind {
			t.Errorf("%v and %v can be told apart", err, unknown)
		}
	}
}

func TestTokens_KeepTheirLastUseAtMostOnceAMinute(t *testing.T) {
	tokens, book, plain := minted(t, aToken)
	began := time.Now()
	for _, step := range []struct{ after, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Minute, time.Minute}} {
		tokens.now = func() time.Time { return began.Add(step.after) }
		if _, err := tokens.VerifyToken(t.Context(), plain, home); err != nil {
			t.Fatal(err)
		}
		if used := book[secret.HashToken(plain)]; !used.UsedAt.Equal(began.Add(step.want)) || used.UsedFrom != "192.0.2.7" {
			t.Errorf("after %s: used %s after the beginning, from %s", step.after, used.UsedAt.Sub(began), used.UsedFrom)
		}
	}
}

func TestAddressRanges_AreReadStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " , ": "", "10.0.0.0/8": "10.0.0.0/8", "10.1.2.3 ::1": "10.1.2.3/32, ::1/128", "::ffff:10.1.2.3": "10.1.2.3/32", "0.0.0.0/0\n2001:db8::/32": "0.0.0.0/0, 2001:db8::/32",
	} {
		ranges, err := ParseAddressRanges(text)
		if err != nil || ranges.String() != want {
			t.Errorf("%q: %q, %v", text, ranges, err)
		}
		if again, err := ParseAddressRanges(ranges.String()); err != nil || again.String() != want {
			t.Errorf("%q is not read again: %v", ranges, err)
		}
	}
	for _, text := range []string{"10.0.0.5/8", "10.0.0.0/33", "localhost", "10.0.0", "fe80::1%eth0", "::ffff:10.0.0.0/104", "10.0.0.0/8;10.0.0.1", strings.Repeat("10.0.0.1 ", 21)} {
		if ranges, err := ParseAddressRanges(text); problem.KindOf(err) != problem.KindInvalid || err == nil {
			t.Errorf("%q: %q, %v", text, ranges, err)
		}
	}
}

func TestTokens_VerifyWhatTheyMintedUntilItExpires(t *testing.T) {
	book := tokenBook{}
	tokens := NewTokens(book, slog.New(slog.DiscardHandler))
	plain, err := tokens.MintToken(t.Context(), TokenOptions{Name: "laptop", Scope: ScopeDeploy, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.VerifyToken(t.Context(), plain, home)
	if err != nil || token.Name != "laptop" || token.Scope != ScopeDeploy {
		t.Errorf("verified as %+v, %v", token, err)
	}
	tokens.now = func() time.Time { return token.ExpiresAt }
	if _, err := tokens.VerifyToken(t.Context(), plain, home); problem.KindOf(err) != problem.KindUnauthorized {
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
		if _, err := tokens.VerifyToken(t.Context(), plain, home); problem.KindOf(err) != problem.KindUnauthorized {
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
		if problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTokens_RefuseANameThatWouldForgeALogLine(t *testing.T) {
	for _, name := range []string{"two\nlines", "\x1b[31m", strings.Repeat("x", 61)} {
		options := TokenOptions{Name: name, Scope: ScopeRead, TTL: time.Hour}
		_, err := NewTokens(tokenBook{}, slog.New(slog.DiscardHandler)).MintToken(t.Context(), options)
		if problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestScope_AllowsItselfAndTheNarrowerOnes(t *testing.T) {
	scopes := []Scope{ScopeMetrics, ScopeRead, ScopeDeploy, ScopeAdmin}
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
