package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/secret"
)

// The limits on the life of a token. MintToken refuses a life outside of them.
const (
	MinTokenTTL = time.Minute
	MaxTokenTTL = 366 * 24 * time.Hour
)

const maxTokenName = 60 // characters

const (
	tokenKept     = 30 * 24 * time.Hour // how long an ended token is still listed
	tokenUseEvery = time.Minute         // the precision of its last use; saves a write for each request
)

// Scope is what a token may do; each scope includes the scopes before it.
type Scope string

// The scopes, from the narrowest to the widest.
const (
	ScopeMetrics Scope = "metrics" // read /metrics, and nothing else
	ScopeRead    Scope = "read"    // and see apps, releases and logs
	ScopeDeploy  Scope = "deploy"  // and upload, update, roll back, start, stop, restart, cancel
	ScopeAdmin   Scope = "admin"   // and delete, and everything else
)

// ParseScope returns s as a Scope, or a Problem of problem.KindInvalid.
func ParseScope(s string) (Scope, error) {
	if Scope(s).rank() > 0 {
		return Scope(s), nil
	}
	return "", problem.Invalid(fmt.Sprintf("%.60q is not a scope of a token.", s), "Use metrics, read, deploy or admin.").At("scope")
}

// Allows reports whether a token of this scope may do a task that needs the wanted scope.
// An unknown scope on either side allows nothing.
func (s Scope) Allows(wanted Scope) bool {
	return wanted.rank() > 0 && s.rank() >= wanted.rank()
}

func (s Scope) rank() int {
	switch s {
	case ScopeMetrics:
		return 1
	case ScopeRead:
		return 2
	case ScopeDeploy:
		return 3
	case ScopeAdmin:
		return 4
	default:
		return 0
	}
}

// Token is a bearer's right to use the API until it expires or is revoked.
type Token struct {
	ID        int64
	Name      string // the person or program that it was minted for; shown as the author of releases
	Hash      string // secret.HashToken of the plain token; the plain token is never stored
	Scope     Scope
	Account   int64         // the account that made it; 0 is the command line
	CreatedBy string        // the name of Account, empty for the command line
	Ranges    AddressRanges // the networks that it may be used from; none means anywhere
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero until it is revoked
	UsedAt    time.Time // its last use, to the minute; zero before the first
	UsedFrom  string    // the address of that use
}

// Expired reports whether the token's time is over at the moment now.
func (t Token) Expired(now time.Time) bool { return !now.Before(t.ExpiresAt) }

// Revoked reports whether the token was revoked.
func (t Token) Revoked() bool { return !t.RevokedAt.IsZero() }

// TokenLedger keeps the tokens. A missing token is problem.ErrNotFound.
type TokenLedger interface {
	// CreateToken stores the token and gives it its id.
	CreateToken(context.Context, Token) (Token, error)
	// FindToken returns the token of that hash, valid or not.
	FindToken(ctx context.Context, hash string) (Token, error)
	// Tokens returns every token without its hash, the newest first.
	Tokens(context.Context) ([]Token, error)
	// RevokeToken ends the token and returns it. A revoked token keeps its first time.
	RevokeToken(ctx context.Context, id int64, at time.Time) (Token, error)
	// RecordTokenUse stores the last use of a token.
	RecordTokenUse(ctx context.Context, id int64, at time.Time, from string) error
	// DeleteExpiredTokens removes every token that expired or was revoked before or at
	// the moment.
	DeleteExpiredTokens(ctx context.Context, moment time.Time) error
}

// Tokens mints, verifies and revokes the tokens of the API.
type Tokens struct {
	ledger TokenLedger
	logger *slog.Logger
	now    func() time.Time
}

// NewTokens returns the service over its ledger.
func NewTokens(ledger TokenLedger, logger *slog.Logger) *Tokens {
	return &Tokens{ledger: ledger, logger: logger, now: time.Now}
}

// TokenOptions says what to mint. Name, Scope and TTL are required.
type TokenOptions struct {
	Name    string
	Scope   Scope
	TTL     time.Duration // from MinTokenTTL to MaxTokenTTL
	Ranges  AddressRanges // none means anywhere
	Account int64         // the account that makes it; the token ends with that account; 0 is the command line
}

// MintToken creates a token and returns its plain form, which nobody can see again.
func (t *Tokens) MintToken(ctx context.Context, o TokenOptions) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	if err := t.Sweep(ctx); err != nil {
		return "", err
	}
	now := t.now()
	plain, hash := secret.NewToken()
	token, err := t.ledger.CreateToken(ctx, Token{
		Name:      o.Name,
		Hash:      hash,
		Scope:     o.Scope,
		Account:   o.Account,
		Ranges:    o.Ranges,
		CreatedAt: now,
		ExpiresAt: now.Add(o.TTL),
	})
	if err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	t.logger.InfoContext(ctx, "minted a token",
		"token", token.ID, "name", token.Name, "scope", token.Scope, "expires_at", token.ExpiresAt, "from", token.Ranges.String())
	return plain, nil
}

// VerifyToken returns the token of the text plain. If the token is unknown, has ended, or
// does not allow that address, it returns a Problem of problem.KindUnauthorized. The
// Problem tells a thief nothing about the token.
func (t *Tokens) VerifyToken(ctx context.Context, plain string, from netip.Addr) (Token, error) {
	token, err := t.ledger.FindToken(ctx, secret.HashToken(plain))
	if errors.Is(err, problem.ErrNotFound) {
		return Token{}, unknownToken(err)
	}
	if err != nil {
		return Token{}, fmt.Errorf("find token: %w", err)
	}
	now := t.now()
	if err := token.refuses(from, now); err != nil {
		return Token{}, unknownToken(err)
	}
	if now.Sub(token.UsedAt) < tokenUseEvery {
		return token, nil
	}
	if err := t.ledger.RecordTokenUse(ctx, token.ID, now, from.Unmap().String()); err != nil {
		// A failed note of the use must not stop the deploy.
		t.logger.WarnContext(ctx, "the use of a token was not kept", "token", token.ID, "error", err)
	}
	return token, nil
}

// List returns every token, the newest first. Ended tokens stay for a month.
func (t *Tokens) List(ctx context.Context) ([]Token, error) {
	tokens, err := t.ledger.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// Revoke ends a token at once and returns it; a Problem of problem.KindNotFound if there
// is no token of that id. To revoke twice is no error.
func (t *Tokens) Revoke(ctx context.Context, id int64) (Token, error) {
	token, err := t.ledger.RevokeToken(ctx, id, t.now())
	if errors.Is(err, problem.ErrNotFound) {
		return Token{}, problem.NotFound(
			fmt.Sprintf("There is no token %d.", id),
			"See the list of tokens for its number.",
		).Because(err)
	}
	if err != nil {
		return Token{}, fmt.Errorf("revoke token: %w", err)
	}
	t.logger.InfoContext(ctx, "revoked a token", "token", token.ID, "name", token.Name)
	return token, nil
}

// Sweep removes the tokens that ended long ago.
func (t *Tokens) Sweep(ctx context.Context) error {
	if err := t.ledger.DeleteExpiredTokens(ctx, t.now().Add(-tokenKept)); err != nil {
		return fmt.Errorf("delete expired tokens: %w", err)
	}
	return nil
}

// refuses says, for the log, why the token is not valid; nil if it is.
func (t Token) refuses(from netip.Addr, now time.Time) error {
	switch {
	case t.Revoked():
		return fmt.Errorf("token %d was revoked at %s", t.ID, t.RevokedAt)
	case t.Expired(now):
		return fmt.Errorf("token %d expired at %s", t.ID, t.ExpiresAt)
	case len(t.Ranges) > 0 && !t.Ranges.Contain(from):
		return fmt.Errorf("token %d is not for use from %s", t.ID, from)
	default:
		return nil
	}
}

// CheckTokenName returns a Problem of problem.KindInvalid if a token cannot have the
// name.
func CheckTokenName(name string) error {
	if name != "" && len([]rune(name)) <= maxTokenName && printable.Is(name) {
		return nil
	}
	return problem.Invalid(
		fmt.Sprintf("%.80q is not a name for a token.", name),
		fmt.Sprintf("Use 1 to %d printable characters.", maxTokenName),
	).At("name")
}

func (o TokenOptions) check() error {
	if err := CheckTokenName(o.Name); err != nil {
		return err
	}
	if _, err := ParseScope(string(o.Scope)); err != nil {
		return err
	}
	if o.TTL < MinTokenTTL || o.TTL > MaxTokenTTL {
		return problem.Invalid(
			fmt.Sprintf("A token cannot hold for %s.", o.TTL),
			"Choose between one minute (1m) and a year (8784h).",
		).At("ttl")
	}
	return nil
}

func unknownToken(cause error) *problem.Problem {
	return problem.Unauthorized(
		"This token is unknown, has ended, or is not for this address.",
		"Make a new one under Settings, API tokens, or with berth token on the machine that Berth runs on.",
	).Because(cause)
}
