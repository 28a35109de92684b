package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"berth/controller/secret"
)

// Limits on the life of a token. MintToken refuses what lies outside.
const (
	MinTokenTTL = time.Minute
	MaxTokenTTL = 366 * 24 * time.Hour
)

const maxTokenName = 60 // characters

// Scope is what a token may do; each scope holds the ones before it.
type Scope string

// The scopes, from the narrowest to the widest.
const (
	ScopeRead   Scope = "read"   // see apps, releases and logs
	ScopeDeploy Scope = "deploy" // and upload, update, roll back, start, stop, restart, cancel
	ScopeAdmin  Scope = "admin"  // and delete, and everything else
)

// ParseScope returns s as a Scope, or a Problem of KindInvalid.
func ParseScope(s string) (Scope, error) {
	if Scope(s).rank() > 0 {
		return Scope(s), nil
	}
	return "", &Problem{
		Kind:    KindInvalid,
		Field:   "scope",
		Message: fmt.Sprintf("%.60q is not a scope of a token.", s),
		Hint:    "Use read, deploy or admin.",
	}
}

// Allows reports whether a token of this scope may do what needs the wanted
// one. An unknown scope on either side allows nothing.
func (s Scope) Allows(wanted Scope) bool {
	return wanted.rank() > 0 && s.rank() >= wanted.rank()
}

func (s Scope) rank() int {
	switch s {
	case ScopeRead:
		return 1
	case ScopeDeploy:
		return 2
	case ScopeAdmin:
		return 3
	default:
		return 0
	}
}

// Token is a bearer's right to use the API until it expires.
type Token struct {
	ID        int64
	Name      string // who or what it was minted for; shown as the author of releases
	Hash      string // secret.HashToken of the plain token; the plain one is never kept
	Scope     Scope
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TokenLedger keeps the tokens. A missing one is ErrNotFound.
type TokenLedger interface {
	// CreateToken stores the token and gives it its id.
	CreateToken(context.Context, Token) (Token, error)
	// FindToken gives the token of that hash, expired or not.
	FindToken(ctx context.Context, hash string) (Token, error)
	// DeleteExpiredTokens removes every token whose ExpiresAt is not after now.
	DeleteExpiredTokens(ctx context.Context, now time.Time) error
}

// Tokens mints and verifies the tokens of the API.
type Tokens struct {
	ledger TokenLedger
	logger *slog.Logger
	now    func() time.Time
}

// NewTokens returns the service over its ledger.
func NewTokens(ledger TokenLedger, logger *slog.Logger) *Tokens {
	return &Tokens{ledger: ledger, logger: logger, now: time.Now}
}

// TokenOptions says what to mint. Every field is required.
type TokenOptions struct {
	Name  string
	Scope Scope
	TTL   time.Duration // from MinTokenTTL to MaxTokenTTL
}

// MintToken creates a token and returns its plain form, which nobody can see again.
func (t *Tokens) MintToken(ctx context.Context, o TokenOptions) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	now := t.now()
	if err := t.ledger.DeleteExpiredTokens(ctx, now); err != nil {
		return "", fmt.Errorf("delete expired tokens: %w", err)
	}
	plain, hash := secret.NewToken()
	token, err := t.ledger.CreateToken(ctx, Token{
		Name:      o.Name,
		Hash:      hash,
		Scope:     o.Scope,
		CreatedAt: now,
		ExpiresAt: now.Add(o.TTL),
	})
	if err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	t.logger.InfoContext(ctx, "minted a token",
		"token", token.ID, "name", token.Name, "scope", token.Scope, "expires_at", token.ExpiresAt)
	return plain, nil
}

// VerifyToken returns the token that plain stands for, or a Problem of
// KindUnauthorized where it is unknown or expired; the two are not told apart.
func (t *Tokens) VerifyToken(ctx context.Context, plain string) (Token, error) {
	token, err := t.ledger.FindToken(ctx, secret.HashToken(plain))
	if errors.Is(err, ErrNotFound) {
		return Token{}, unknownToken(err)
	}
	if err != nil {
		return Token{}, fmt.Errorf("find token: %w", err)
	}
	if !t.now().Before(token.ExpiresAt) {
		return Token{}, unknownToken(fmt.Errorf("token %d expired at %s", token.ID, token.ExpiresAt))
	}
	return token, nil
}

func (o TokenOptions) check() error {
	if o.Name == "" || len([]rune(o.Name)) > maxTokenName || !printable(o.Name) {
		return &Problem{
			Kind:    KindInvalid,
			Field:   "name",
			Message: fmt.Sprintf("%.80q is not a name for a token.", o.Name),
			Hint:    fmt.Sprintf("Use 1 to %d printable characters.", maxTokenName),
		}
	}
	if _, err := ParseScope(string(o.Scope)); err != nil {
		return err
	}
	if o.TTL < MinTokenTTL || o.TTL > MaxTokenTTL {
		return &Problem{
			Kind:    KindInvalid,
			Field:   "ttl",
			Message: fmt.Sprintf("A token cannot hold for %s.", o.TTL),
			Hint:    "Choose between one minute (1m) and a year (8784h).",
		}
	}
	return nil
}

func unknownToken(cause error) *Problem {
	return &Problem{
		Kind:    KindUnauthorized,
		Message: "This token is unknown or has expired.",
		Hint:    "Mint a new one with berth token on the machine that Berth runs on.",
		Err:     cause,
	}
}
