package people

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"berth/controller/account"
	"berth/controller/store/sqlite"
)

//nolint:gosec // a statement, and no token
const selectTokens = `
SELECT t.id, t.name, CASE WHEN t.hash GLOB 'metrics:*' THEN 'metrics' ELSE t.scope END, coalesce(t.account, 0), coalesce(a.name, ''), t.ranges,
       t.created_at, t.expires_at, t.revoked_at, t.used_at, t.used_from
FROM tokens t LEFT JOIN accounts a ON a.id = t.account`

// CreateToken stores a token and gives it its id.
func (l Ledger) CreateToken(ctx context.Context, token account.Token) (account.Token, error) {
	token.CreatedAt, token.ExpiresAt = sqlite.Stored(token.CreatedAt), sqlite.Stored(token.ExpiresAt)
	err := l.Writer.QueryRowContext(ctx, `
INSERT INTO tokens (name, hash, scope, account, ranges, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		token.Name, storedHash(token), storedScope(token.Scope), sql.NullInt64{Int64: token.Account, Valid: token.Account != 0}, token.Ranges.String(),
		sqlite.Micros(token.CreatedAt), sqlite.Micros(token.ExpiresAt)).Scan(&token.ID)
	if err != nil {
		return account.Token{}, fmt.Errorf("create token: %w", sqlite.NoRoom(err))
	}
	return token, nil
}

// FindToken returns the token of that hash, whether it holds or not.
func (l Ledger) FindToken(ctx context.Context, hash string) (account.Token, error) {
	token, err := scanToken(l.Reader.QueryRowContext(ctx, selectTokens+` WHERE t.hash IN (?, ?)`, hash, metricsHash+hash))
	if err != nil {
		return account.Token{}, fmt.Errorf("find token: %w", sqlite.OrNotFound(err))
	}
	token.Hash = hash
	return token, nil
}

// Tokens returns every token without its hash, the newest first.
func (l Ledger) Tokens(ctx context.Context) ([]account.Token, error) {
	rows, err := l.Reader.QueryContext(ctx, selectTokens+` ORDER BY t.id DESC`)
	tokens, err := sqlite.Collect(rows, err, scanToken)
	return tokens, sqlite.Failure(err, "list tokens")
}

// RevokeToken ends the token and returns it. One that was revoked keeps its time.
func (l Ledger) RevokeToken(ctx context.Context, id int64, at time.Time) (account.Token, error) {
	var token account.Token
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		err := sqlite.OneRow(tx.ExecContext(ctx, `UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?`, sqlite.Micros(at), id))
		if err != nil {
			return err
		}
		token, err = scanToken(tx.QueryRowContext(ctx, selectTokens+` WHERE t.id = ?`, id))
		return err
	})
	if err != nil {
		return account.Token{}, fmt.Errorf("revoke token %d: %w", id, err)
	}
	return token, nil
}

// RecordTokenUse keeps the last use of a token.
func (l Ledger) RecordTokenUse(ctx context.Context, id int64, at time.Time, from string) error {
	err := l.Writer.ExecRow(ctx, `UPDATE tokens SET used_at = ?, used_from = ? WHERE id = ?`, sqlite.Micros(at), from, id)
	return sqlite.Failure(err, "record use of token %d", id)
}

// DeleteExpiredTokens removes every token that expired or was revoked not after the moment.
func (l Ledger) DeleteExpiredTokens(ctx context.Context, moment time.Time) error {
	_, err := l.Writer.ExecContext(ctx, `DELETE FROM tokens WHERE expires_at <= ?1 OR revoked_at <= ?1`, sqlite.Micros(moment))
	return sqlite.Failure(err, "delete expired tokens")
}

// metricsHash begins the hash of a token with the scope metrics, which the column of the
// scope does not allow. A Berth that does not know this scope finds no such hash, so it
// lets nobody in with the token.
const metricsHash = "metrics:"

func storedHash(token account.Token) string {
	if token.Scope == account.ScopeMetrics {
		return metricsHash + token.Hash
	}
	return token.Hash
}

func storedScope(scope account.Scope) account.Scope {
	if scope == account.ScopeMetrics {
		return account.ScopeRead
	}
	return scope
}

func scanToken(columns sqlite.Row) (t account.Token, err error) {
	err = columns.Scan(&t.ID, &t.Name, &t.Scope, &t.Account, &t.CreatedBy, rangesColumn{&t.Ranges},
		sqlite.TimeInto(&t.CreatedAt), sqlite.TimeInto(&t.ExpiresAt), sqlite.TimeInto(&t.RevokedAt), sqlite.TimeInto(&t.UsedAt), &t.UsedFrom)
	return t, err
}

// rangesColumn scans address ranges as their String was stored. One that cannot
// be read is an error, not a token that may be used from anywhere.
type rangesColumn struct{ to *account.AddressRanges }

// Scan sets the ranges.
func (c rangesColumn) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("the address ranges are a %T", value)
	}
	ranges, err := account.ParseAddressRanges(text)
	if err != nil {
		return fmt.Errorf("read address ranges: %.100q are none", text) // not its Problem: it is nobody's input
	}
	*c.to = ranges
	return nil
}
